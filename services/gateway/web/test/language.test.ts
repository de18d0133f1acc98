import { afterEach, expect, it, vi } from 'vitest';
import { chosenLanguage, decimals, locale } from '../src/texts/language';
import { bytesWords, dayWords } from '../src/ui/words';

function readerOf(languages: string[], kept: string | null = null): void {
  vi.stubGlobal('navigator', { languages });
  vi.stubGlobal('localStorage', { getItem: () => kept });
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.doUnmock('../src/texts/german');
});

it('is English where another language does not come', async () => {
  readerOf(['de']);
  vi.stubGlobal('document', { documentElement: { lang: '' } });
  vi.doMock('../src/texts/german', () => {
    throw new Error('offline');
  });
  vi.resetModules();
  const { texts } = await import('../src/texts');
  expect([texts.unnamedPhoto, document.documentElement.lang]).toEqual(['Photo', 'en']);
});

it('is the first of the reader’s that there is, unless another one was chosen here', () => {
  readerOf(['fr-FR', 'de-CH', 'en']);
  expect([chosenLanguage(), locale()]).toEqual(['de', 'de-CH']);
  readerOf(['fr-FR', 'de-CH', 'en'], 'en');
  expect(chosenLanguage()).toBe('en');
  readerOf(['fr-FR']);
  expect([chosenLanguage(), locale()]).toEqual(['en', 'en']);
  readerOf(['de'], 'klingon');
  expect(chosenLanguage()).toBe('de');
});

it('writes numbers and dates as it is done there', () => {
  readerOf(['de-DE']);
  expect([decimals(1234.5, 1), bytesWords(1_540_000)]).toEqual(['1.234,5', '1,5 MB']);
  expect(dayWords('2024-11-03T12:00:00Z')).toBe('3. November 2024');
  readerOf(['en-GB']);
  expect([decimals(1234.5, 1), dayWords('2024-11-03T12:00:00Z')]).toEqual([
    '1,234.5',
    '3 November 2024',
  ]);
});
