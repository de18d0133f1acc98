import { type Catalogue, english } from './catalogue';
import { en, type Texts } from './en';
import { chosenLanguage } from './language';

const language = chosenLanguage();
if (globalThis.document) document.documentElement.lang = language;

interface Said {
  texts: Texts;
  catalogue: Catalogue;
}

const inEnglish: Said = { texts: en, catalogue: english };

/** Another language than English is a chunk of its own; where that does not come, English is said. */
async function inGerman(): Promise<Said> {
  try {
    return await import('./german');
  } catch {
    if (globalThis.document) document.documentElement.lang = 'en';
    return inEnglish;
  }
}

/** What the viewer says, in the language that was chosen here. */
const said = language === 'de' ? await inGerman() : inEnglish;

export const { texts, catalogue } = said;
