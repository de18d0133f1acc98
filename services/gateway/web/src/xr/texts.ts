import { chosenLanguage } from '../texts/language';
import { en, type VrTexts } from './english';
import { de } from './german';

/** What VR says, in the language that was chosen on the page. */
export const texts: VrTexts = chosenLanguage() === 'de' ? de : en;
