import { en, type Texts } from './en';
import { chosenLanguage } from './language';

if (globalThis.document) document.documentElement.lang = chosenLanguage();

/** What the viewer says, in the language that was chosen here. Another one than English is a chunk of its own. */
export const texts: Texts = chosenLanguage() === 'de' ? (await import('./de')).de : en;
