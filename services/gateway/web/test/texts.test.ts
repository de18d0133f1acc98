import { expect, test } from 'vitest';
import { de } from '../src/texts/de';
import { en } from '../src/texts/en';

type Tree = { [name: string]: string | Tree | ((...given: never[]) => string) };

/** Every text by the way to it; what counts is asked for one, and for several. */
function told(tree: Tree, way = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(tree)) {
    const here = `${way}/${name}`;
    if (typeof value === 'string') found.set(here, value);
    else if (typeof value === 'object') for (const entry of told(value, here)) found.set(...entry);
    else {
      const asked = (n: number) => value(...([n === 1 ? 1 : n, n] as never[]));
      try {
        found.set(here, `${asked(1)} | ${asked(3)}`);
      } catch {
        found.set(here, value(...([['x'], 'y'] as never[])));
      }
    }
  }
  return found;
}

const english = told(en as unknown as Tree);
const german = told(de as unknown as Tree);

test('both languages say the same things, and leave none of them empty', () => {
  expect([...german.keys()].sort()).toEqual([...english.keys()].sort());
  for (const [way, words] of [...english, ...german]) expect(words.trim(), way).not.toBe('');
});

test('hardly anything is the same in both languages, but for names', () => {
  const same = [...english].filter(([way, words]) => words.length > 3 && german.get(way) === words);
  expect(same.map(([, words]) => words).sort()).toEqual(
    ['Live', 'Video', 'Videos', 'Webhooks']
      .concat(same.flatMap(([, w]) => (w.startsWith('1: ') ? [w] : [])))
      .sort(),
  );
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
});
