export const LANGUAGES = ['en'] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = 'immichvr.language';

/** The first of these languages that there are texts in; English where there is none. */
export function languageOf(wanted: readonly string[]): Language {
  for (const one of wanted) {
    const found = LANGUAGES.find((known) => one.toLowerCase().split('-')[0] === known);
    if (found) return found;
  }
  return 'en';
}

/** What was chosen here; null where the browser's own languages count. */
export function keptLanguage(): Language | null {
  const kept = globalThis.localStorage?.getItem(KEY);
  return LANGUAGES.find((one) => one === kept) ?? null;
}

/** Counts from the next time that the page is loaded. */
export function keepLanguage(language: Language | null): void {
  if (language) localStorage.setItem(KEY, language);
  else localStorage.removeItem(KEY);
}

export function chosenLanguage(): Language {
  return keptLanguage() ?? languageOf(globalThis.navigator?.languages ?? []);
}
