export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = 'immichvr.language';

/**
 * The language that was chosen here. English where none was: until all that the viewer says is in another one too, nobody
 * gets half of it unasked.
 */
export function chosenLanguage(): Language {
  const kept = globalThis.localStorage?.getItem(KEY);
  return LANGUAGES.find((one) => one === kept) ?? 'en';
}

/** Counts from the next time that the page is loaded. */
export function keepLanguage(language: Language): void {
  localStorage.setItem(KEY, language);
}
