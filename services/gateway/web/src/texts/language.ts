export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = 'immichvr.language';

const isOurs = (one: string): one is Language => LANGUAGES.some((ours) => ours === one);

/** The languages that somebody reads, the dearest first, as their browser says: de-CH, en. */
const read = (): readonly string[] => globalThis.navigator?.languages ?? [];

/** The language that was chosen here; else the first of the reader's that there is, else English. */
export function chosenLanguage(): Language {
  const kept = globalThis.localStorage?.getItem(KEY) ?? '';
  if (isOurs(kept)) return kept;
  return read().map(base).find(isOurs) ?? 'en';
}

/** Counts from the next time that the page is loaded. */
export function keepLanguage(language: Language): void {
  localStorage.setItem(KEY, language);
}

/** How numbers and dates are written: as the reader's country does it, where they read its language here. */
export function locale(): string {
  const chosen = chosenLanguage();
  return read().find((one) => base(one) === chosen) ?? chosen;
}

/** A number with so many digits behind the point. */
export function decimals(value: number, digits = 0): string {
  const all = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString(locale(), all);
}

const base = (one: string): string => one.split('-')[0] ?? one;
