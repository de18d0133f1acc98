import { expect, it } from 'vitest';
import { english } from '../src/texts/catalogue';
import { catalogue as german } from '../src/texts/catalogueInGerman';
import { told } from '../src/texts/toldInGerman';

it('leaves what services tell as it is, in their own language', () => {
  for (const words of ['', 'da2-small was used', 'light.spz: element x: ignored; and more'])
    expect(english.told(words)).toBe(words);
});

it('says what services tell in German, with what they name in its place', () => {
  const both: [string, string][] = [
    ['', ''],
    ['it is blurred', 'es ist unscharf'],
    ['da2-small saw each frame by itself', 'da2-small sah jedes Bild für sich'],
    [
      'light.spz: Gaussians were sorted by place (Morton order)',
      'light.spz: die Splats wurden nach ihrem Ort sortiert (Morton-Ordnung)',
    ],
    [
      'a level of detail: 1,179,648 Gaussians merged into 80,000',
      'eine Detailstufe: 1,179,648 Splats, vereint zu 80,000',
    ],
    [
      '12 points dropped: non-finite coordinates',
      '12 Punkte weggelassen: Koordinaten, die keine Zahlen sind',
    ],
    ['something new; it is blurred', 'something new; es ist unscharf'],
  ];
  for (const [said, ours] of both) expect(german.told(said)).toBe(ours);
});

it('says one reason after the other, also where one of them has two parts', () => {
  const said =
    'sharp: its weights are not on this worker; download it first; da2-small: it needs 900 MB of cuda memory and 12 MB are free; the built-in estimator was used';
  expect(german.told(said)).toBe(
    'sharp: seine Gewichte sind nicht auf diesem Arbeiter; lade es zuerst herunter; da2-small: es braucht 900 MB Speicher von cuda, und 12 MB sind frei; der eingebaute Schätzer wurde verwendet',
  );
});

it('has in its German whatever is named in what was said', () => {
  const marks = (words: string) =>
    [...words.matchAll(/\{(\d)\}/g)].map(([, at]) => Number(at)).sort();
  for (const [said, ours] of Object.entries(told)) {
    const count = said.split('{}').length - 1;
    expect(marks(ours), said).toEqual([...Array(count).keys()]);
    expect(ours, said).not.toBe(said);
  }
});
