import { expect, test } from 'vitest';
import { assets, errors, formats, kinds } from '../src/api/catalog.json';
import { catalogue } from '../src/texts/catalogueInGerman';
import { de } from '../src/texts/de';
import { en } from '../src/texts/en';

type Told = string | ((...given: never[]) => string);
type Tree = { [name: string]: Tree | Told };

/** Every text by the way to it; what takes something is given a mark for each. */
function told(tree: Tree, way = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(tree)) {
    const here = `${way}/${name}`;
    if (typeof value === 'object') for (const entry of told(value, here)) found.set(...entry);
    else found.set(here, typeof value === 'string' ? value : filled(value));
  }
  return found;
}

function filled(text: (...given: never[]) => string): string {
  const marks = Array.from({ length: text.length }, (_, at) => `<${at}>`);
  try {
    return text(...(marks as never[]));
  } catch {
    return text(...(marks.map((mark) => [mark]) as never[]));
  }
}

const english = told(en as unknown as Tree);
const german = told(de as unknown as Tree);
const marksOf = (words = ''): string[] => [...new Set(words.match(/<\d>/g))].sort();

test('both languages say the same things, and leave none of them empty', () => {
  expect([...german.keys()].sort()).toEqual([...english.keys()].sort());
  for (const [way, words] of [...english, ...german]) expect(words.trim(), way).not.toBe('');
});

test('what a text is given is told in both languages', () => {
  for (const [way, words] of english) expect(marksOf(german.get(way)), way).toEqual(marksOf(words));
});

test('hardly anything is the same in both languages, but for names', () => {
  const same = [...english].filter(
    ([way, words]) => /\p{L}{4}/u.test(words.replaceAll(/<\d>/g, '')) && german.get(way) === words,
  );
  expect([...new Set(same.map(([, words]) => words))].sort()).toEqual(SAME_IN_BOTH);
});

const SAME_IN_BOTH = [
  'LaMa',
  'Live',
  'Normal',
  'Server',
  'Splats',
  'Video',
  'Video <0>',
  'Videos',
  'WebGPU',
  'Webhooks',
];

test('every text of the catalogue has its German', () => {
  for (const [code, { sentence, remedy }] of Object.entries(errors)) {
    const words = catalogue.errors[code];
    expect(words, `${code} wants its German in texts/catalogueInGerman.ts`).toHaveLength(2);
    expect(words).not.toEqual([sentence, remedy]);
    for (const one of words ?? []) expect(one, code).toMatch(/[.]$/);
  }
  const keys = (one: object) => Object.keys(one).sort();
  expect(keys(catalogue.errors)).toEqual(keys(errors));
  expect(keys(catalogue.kinds)).toEqual(keys(kinds));
  expect(keys(catalogue.assets)).toEqual(keys(assets));
  expect(keys(catalogue.uses)).toEqual(keys(formats));
});

test('one is one, and several are several', () => {
  expect([de.photos(1), de.photos(2), en.photos(1), en.photos(2)]).toEqual([
    '1 Foto',
    '2 Fotos',
    '1 photo',
    '2 photos',
  ]);
  expect([de.memories.ago(1), de.memories.ago(3)]).toEqual(['Vor 1 Jahr', 'Vor 3 Jahren']);
  expect([de.items(1000), en.items(1000)]).toEqual(['1.000 Einträge', '1,000 items']);
  expect(de.missing(['asset.read'])).toContain('fehlt asset.read.');
  expect(de.missing(['asset.read', 'album.read'])).toContain('fehlen asset.read, album.read.');
  expect(de.selection.refused(1, '')).toBe('1 ging nicht: ');
  expect(de.automation.moving(1)).toBe('1 Foto bewegt sich in Immich selbst.');
  expect(de.automation.moving(2)).toBe('2 Fotos bewegen sich in Immich selbst.');
});
