import { type Catalogue, english } from './catalogue';
import { en, type Texts } from './en';
import { chosenLanguage } from './language';

const language = chosenLanguage();
if (globalThis.document) document.documentElement.lang = language;

/** What the viewer says, in the language that was chosen here. Another one than English is a chunk of its own. */
const said: { texts: Texts; catalogue: Catalogue } =
  language === 'de' ? await import('./german') : { texts: en, catalogue: english };

export const { texts, catalogue } = said;
