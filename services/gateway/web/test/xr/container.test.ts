import { describe, expect, it } from 'vitest';
import { asTold, told3d } from '../../src/xr/container';
import { PLAIN } from '../../src/xr/projection';

const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
const letters = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const long = (value: number) =>
  Uint8Array.of(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
const zeros = (count: number) => new Uint8Array(count);

const box = (kind: string, ...content: Uint8Array[]) => {
  const bytes = joined(...content);
  return joined(long(8 + bytes.length), letters(kind), bytes);
};
const st3d = (mode: number) => box('st3d', zeros(4), Uint8Array.of(mode));
const sv3d = (edge: number) =>
  box(
    'sv3d',
    box('svhd', zeros(5)),
    box('proj', box('prhd', zeros(16)), box('equi', zeros(12), long(edge), long(edge))),
  );
const track = (handler: string, entry: Uint8Array, ...more: Uint8Array[]) =>
  box(
    'trak',
    box(
      'mdia',
      box('hdlr', zeros(8), letters(handler), zeros(12)),
      box('minf', box('stbl', box('stsd', zeros(4), long(1), entry))),
    ),
    ...more,
  );
const picture = (...extensions: Uint8Array[]) => box('avc1', zeros(78), ...extensions);
const sound = track('soun', box('mp4a', zeros(28)));
const movie = (...tracks: Uint8Array[]) => box('moov', box('mvhd', zeros(100)), ...tracks);
const head = box('ftyp', letters('isom'), zeros(4));

const vint = (value: number, bytes: number) =>
  Uint8Array.from({ length: bytes }, (_, at) => {
    const byte = Math.floor(value / 256 ** (bytes - 1 - at)) % 256;
    return at === 0 ? byte | (0x80 >> (bytes - 1)) : byte;
  });
const element = (id: number[], ...content: Uint8Array[]) => {
  const bytes = joined(...content);
  return joined(Uint8Array.from(id), vint(bytes.length, 4), bytes);
};
const matroska = (...video: Uint8Array[]) =>
  joined(
    element([0x1a, 0x45, 0xdf, 0xa3], letters('matroska')),
    // Live writers do not know how long a segment will be.
    Uint8Array.of(0x18, 0x53, 0x80, 0x67, 0x01, ...new Array(7).fill(0xff)),
    element([0x15, 0x49, 0xa9, 0x66], zeros(20)),
    element(
      [0x16, 0x54, 0xae, 0x6b],
      element([0xae], element([0x83], Uint8Array.of(2)), element([0xe1], zeros(4))),
      element([0xae], element([0x83], Uint8Array.of(1)), element([0xe0], ...video)),
    ),
  );

/** What a file tells, and which parts of it were read. */
async function told(file: Uint8Array) {
  const reads: [number, number][] = [];
  const answer = await told3d(async (start, most) => {
    reads.push([start, most]);
    return file.subarray(start, start + most);
  });
  return { answer, reads };
}

describe('what the file of a film tells of how it is to be seen', () => {
  it('is both eyes beside or on top of one another, and which comes first', async () => {
    const of = async (mode: number) =>
      (await told(joined(head, movie(sound, track('vide', picture(st3d(mode))))))).answer;
    expect(await of(0)).toEqual({ shape: null, layout: 'mono', crossed: false });
    expect(await of(1)).toEqual({ shape: null, layout: 'tb', crossed: false });
    expect(await of(2)).toEqual({ shape: null, layout: 'sbs', crossed: false });
    expect(await of(3)).toBeNull();
    expect(await of(4)).toEqual({ shape: null, layout: 'sbs', crossed: true });
  });

  it('is a whole sphere, or the half of one', async () => {
    const of = async (edge: number) =>
      (await told(joined(head, movie(track('vide', picture(st3d(2), sv3d(edge))))))).answer;
    expect(await of(0)).toEqual({ shape: '360', layout: 'sbs', crossed: false });
    expect(await of(0x3fffffff)).toEqual({ shape: '180', layout: 'sbs', crossed: false });
  });

  it('is read of an index at the end of a long file without what lies before it', async () => {
    const frames = box('mdat', zeros(200_000));
    const file = joined(head, frames, movie(track('vide', picture(st3d(1)))));
    const { answer, reads } = await told(file);
    expect(answer?.layout).toBe('tb');
    expect(reads.slice(1).every(([start]) => start >= head.length + frames.length)).toBe(true);
    expect(reads).toHaveLength(3);
  });

  it('is told by the XML of earlier cameras where no box says it', async () => {
    const xml = `<rdf:SphericalVideo><GSpherical:Spherical>true</GSpherical:Spherical>
      <GSpherical:StereoMode>top-bottom</GSpherical:StereoMode></rdf:SphericalVideo>`;
    const id = [255, 204, 130, 99, 248, 85, 74, 147, 136, 20, 88, 122, 2, 82, 31, 221];
    const uuid = box('uuid', Uint8Array.from(id), letters(xml));
    const { answer } = await told(joined(head, movie(track('vide', picture(), uuid))));
    expect(answer).toEqual({ shape: '360', layout: 'tb', crossed: false });
  });

  it('is told by Matroska in numbers of its own', async () => {
    const of = async (...video: Uint8Array[]) => (await told(matroska(...video))).answer;
    const mode = (number: number) => element([0x53, 0xb8], Uint8Array.of(number));
    expect(await of(mode(1))).toEqual({ shape: null, layout: 'sbs', crossed: false });
    expect(await of(mode(11))).toEqual({ shape: null, layout: 'sbs', crossed: true });
    expect(await of(mode(2))).toEqual({ shape: null, layout: 'tb', crossed: true });
    expect(await of(mode(3))).toEqual({ shape: null, layout: 'tb', crossed: false });
    expect(await of(mode(12))).toBeNull();
    const around = (edge: number) =>
      element(
        [0x76, 0x70],
        element([0x76, 0x71], Uint8Array.of(1)),
        element([0x76, 0x72], zeros(12), long(edge), long(edge)),
      );
    expect(await of(around(0))).toMatchObject({ shape: '360', layout: null });
    expect(await of(mode(1), around(0x3fffffff))).toMatchObject({ shape: '180', layout: 'sbs' });
  });

  it('is nothing where it says nothing, is damaged, or is no film', async () => {
    const whole = joined(head, movie(track('vide', picture(st3d(2), sv3d(0)))));
    expect((await told(joined(head, movie(track('vide', picture()))))).answer).toBeNull();
    expect((await told(letters('RIFF, but not of a film'))).answer).toBeNull();
    for (let length = 0; length < whole.length; length += 7) await told(whole.subarray(0, length));
    const wrong = matroska(element([0x53, 0xb8], Uint8Array.of(1)));
    for (let length = 0; length < wrong.length; length += 3) await told(wrong.subarray(0, length));
  });

  it('is nothing where a box says that it is shorter than its head', async () => {
    const large = (kind: string, size: number) =>
      joined(long(1), letters(kind), long(0), long(size));
    for (const size of [0, 1, 8, 15]) {
      const inside = joined(head, movie(large('free', size), track('vide', picture(st3d(1)))));
      expect((await told(inside)).answer).toBeNull();
      for (const kind of ['free', 'moov']) {
        const { answer, reads } = await told(joined(head, large(kind, size), zeros(64)));
        expect(answer).toBeNull();
        expect(reads).toHaveLength(1);
      }
    }
    const empty = joined(head, movie(large('free', 16), track('vide', picture(st3d(1)))));
    expect((await told(empty)).answer?.layout).toBe('tb');
  });

  it('is looked for to an end in whatever bytes there are', async () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const films = [
      joined(head, movie(sound, track('vide', picture(st3d(2), sv3d(0))))),
      matroska(element([0x53, 0xb8], Uint8Array.of(1))),
    ];
    for (let at = 0; at < 4000; at += 1) {
      const file = (films[at % 2] as Uint8Array).slice();
      const damages = 1 + random(6);
      for (let one = 0; one < damages; one += 1)
        file[random(file.length)] = [0, 1, 0xff, random(256)][random(4)] as number;
      expect((await told(file)).reads.length).toBeLessThanOrEqual(66);
    }
  });

  it('goes before what its name and its size say', () => {
    const guess = { ...PLAIN, shape: '360' as const };
    const flat = asTold(PLAIN, { shape: null, layout: 'sbs', crossed: false }, 3840, 1080);
    expect(flat).toEqual({ shape: 'flat', layout: 'sbs', crossed: false, half: false });
    const squeezed = asTold(PLAIN, { shape: null, layout: 'sbs', crossed: true }, 1920, 1080);
    expect(squeezed).toEqual({ shape: 'flat', layout: 'sbs', crossed: true, half: true });
    const half = asTold(guess, { shape: '180', layout: null, crossed: false }, 2880, 2880);
    expect(half).toEqual({ shape: '180', layout: 'mono', crossed: false, half: false });
    const one = asTold(
      { ...PLAIN, layout: 'sbs', half: true },
      { shape: null, layout: 'mono', crossed: false },
      1920,
      1080,
    );
    expect(one).toEqual(PLAIN);
  });
});
