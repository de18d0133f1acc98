/**
 * How a film lies around the viewer, as its file tells: Spherical Video V1 (XML in a uuid box) and V2 (st3d, sv3d) in
 * MP4 and QuickTime files (ISO/IEC 14496-12), StereoMode and Projection in Matroska and WebM (RFC 9559).
 */
import { ebmlChildren, isEbml, unsigned } from './ebml';
import { laidOut, type Projection } from './projection';

/** What a file tells; null of what it does not. */
export interface Told3d {
  shape: Projection['shape'] | null;
  layout: Projection['layout'] | null;
  /** Whether the right eye's picture comes first. */
  crossed: boolean;
}

/** Bytes of a file from a place on, fewer where it ends. */
export type Read = (start: number, most: number) => Promise<Uint8Array>;

const HEAD_BYTES = 64 * 1024;
/** An index may be long; one that is longer has its tracks before its end all the same. */
const MOST_INDEX_BYTES = 8 * 1024 * 1024;
const MOST_BOXES = 64;
const SAMPLE_ENTRY_BYTES = 78;
const SPHERICAL_V1 = 'ffcc8263f8554a938814587a02521fdd';
const WHOLE = 2 ** 32;
/** Half of the width left out, within what cameras write. */
const HALF = [0.45, 0.55] as const;

/** What a file tells of how it is to be seen; null where it tells nothing. Throws what `read` throws. */
export async function told3d(read: Read): Promise<Told3d | null> {
  const head = await read(0, HEAD_BYTES);
  const told = isEbml(head) ? inMatroska(head) : inMovie(await indexOf(read, head));
  return told.shape === null && told.layout === null ? null : told;
}

/** A guess of how a film lies, with what its file tells in its place. */
export function asTold(
  guess: Projection,
  { shape, layout, crossed }: Told3d,
  width: number,
  height: number,
): Projection {
  const shaped = shape === null ? guess : { ...guess, shape, half: false };
  if (layout === null) return shaped;
  return { ...laidOut(shaped, layout, width, height), crossed };
}

interface Box {
  kind: string;
  bytes: Uint8Array;
}

const NOTHING: Told3d = { shape: null, layout: null, crossed: false };

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The head of a box: what it is, how long, and where its content begins; null where there is none. */
function boxHead(bytes: Uint8Array, at = 0): { kind: string; size: number; skip: number } | null {
  if (at + 8 > bytes.length) return null;
  const view = viewOf(bytes);
  const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
  const size = view.getUint32(at);
  if (size === 0) return { kind, size: Number.POSITIVE_INFINITY, skip: 8 };
  if (size !== 1) return size >= 8 ? { kind, size, skip: 8 } : null;
  if (at + 16 > bytes.length) return null;
  const large = Number(view.getBigUint64(at + 8));
  // A box that is shorter than its own head would never be got past.
  return large >= 16 ? { kind, size: large, skip: 16 } : null;
}

/** The content of a film's index, wherever in the file it lies; empty where it has none. */
async function indexOf(read: Read, head: Uint8Array): Promise<Uint8Array> {
  for (let [at, box] = [0, 0]; box < MOST_BOXES; box += 1) {
    const start = at + 16 <= head.length ? head.subarray(at) : await read(at, 16);
    const found = boxHead(start);
    if (!found) break;
    const { kind, size, skip } = found;
    if (kind === 'moov') {
      const length = Math.min(size - skip, MOST_INDEX_BYTES);
      const isThere = at + skip + length <= head.length;
      return isThere ? head.subarray(at + skip, at + skip + length) : await read(at + skip, length);
    }
    at += size;
    if (!Number.isSafeInteger(at)) break;
  }
  return new Uint8Array();
}

function boxesIn(bytes: Uint8Array): Box[] {
  const found: Box[] = [];
  for (let at = 0; ; ) {
    const head = boxHead(bytes, at);
    if (!head) return found;
    const { kind, size, skip } = head;
    found.push({ kind, bytes: bytes.subarray(at + skip, at + size) });
    at += size;
  }
}

/** What lies in boxes within one another, along this path. */
function within(bytes: Uint8Array, ...path: string[]): Uint8Array[] {
  return path.reduce(
    (found, kind) =>
      found.flatMap((one) =>
        boxesIn(one)
          .filter((box) => box.kind === kind)
          .map((box) => box.bytes),
      ),
    [bytes],
  );
}

function inMovie(moov: Uint8Array): Told3d {
  const isPicture = (track: Uint8Array) =>
    within(track, 'mdia', 'hdlr').some(
      (handler) => String.fromCharCode(...handler.subarray(8, 12)) === 'vide',
    );
  const track = within(moov, 'trak').find(isPicture);
  if (!track) return NOTHING;
  const [samples] = within(track, 'mdia', 'minf', 'stbl', 'stsd');
  const entry = samples && boxesIn(samples.subarray(8))[0];
  const told = entry ? inSampleEntry(entry.bytes.subarray(SAMPLE_ENTRY_BYTES)) : NOTHING;
  return told.shape === null && told.layout === null ? inSphericalXml(track) : told;
}

function inSampleEntry(extensions: Uint8Array): Told3d {
  const [stereo] = within(extensions, 'st3d');
  const [projection] = within(extensions, 'sv3d', 'proj');
  const [equi] = projection ? within(projection, 'equi') : [];
  const modes = ['mono', 'tb', 'sbs', null, 'sbs'] as const;
  const mode = stereo?.[4] ?? -1;
  return {
    shape: equi ? shapeWithin(equi) : null,
    layout: modes[mode] ?? null,
    crossed: mode === 4,
  };
}

/** Version and flags, then how much is left out at the top, the bottom, the left and the right, as parts of the whole. */
function shapeWithin(equi: Uint8Array): Projection['shape'] {
  if (equi.length < 20) return '360';
  const view = viewOf(equi);
  const leftOut = (view.getUint32(12) + view.getUint32(16)) / WHOLE;
  return leftOut > HALF[0] && leftOut < HALF[1] ? '180' : '360';
}

function inSphericalXml(track: Uint8Array): Told3d {
  const isSpherical = (content: Uint8Array) =>
    [...content.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('') ===
    SPHERICAL_V1;
  const found = within(track, 'uuid').find(isSpherical);
  const xml = found ? new TextDecoder().decode(found.subarray(16)) : '';
  const value = (name: string) => new RegExp(`${name}>\\s*([^<\\s]+)`).exec(xml)?.[1];
  if (value('GSpherical:Spherical') !== 'true') return NOTHING;
  const layouts: Record<string, Told3d['layout']> = {
    mono: 'mono',
    'left-right': 'sbs',
    'top-bottom': 'tb',
  };
  const [part, whole] = [
    'GSpherical:CroppedAreaImageWidthPixels',
    'GSpherical:FullPanoWidthPixels',
  ].map((name) => Number(value(name))) as [number, number];
  const leftOut = 1 - part / whole;
  const shape = leftOut > HALF[0] && leftOut < HALF[1] ? '180' : '360';
  return { shape, layout: layouts[value('GSpherical:StereoMode') ?? ''] ?? null, crossed: false };
}

const [SEGMENT, TRACKS, TRACK, KIND, VIDEO] = [0x18538067, 0x1654ae6b, 0xae, 0x83, 0xe0];
const [STEREO_MODE, PROJECTION, PROJECTION_TYPE, PROJECTION_PRIVATE] = [
  0x53b8, 0x7670, 0x7671, 0x7672,
];
const A_VIDEO = 1;
const EQUIRECTANGULAR = 1;
/** Matroska's numbers of how two views lie, by which eye comes first. */
const MODES: Record<number, [Projection['layout'], boolean]> = {
  0: ['mono', false],
  1: ['sbs', false],
  2: ['tb', true],
  3: ['tb', false],
  11: ['sbs', true],
};

function inMatroska(head: Uint8Array): Told3d {
  const video = ebmlChildren(head, SEGMENT)
    .flatMap((segment) => ebmlChildren(segment, TRACKS))
    .flatMap((tracks) => ebmlChildren(tracks, TRACK))
    .filter((track) => ebmlChildren(track, KIND).some((kind) => unsigned(kind) === A_VIDEO))
    .flatMap((track) => ebmlChildren(track, VIDEO))[0];
  if (!video) return NOTHING;
  const [stereo] = ebmlChildren(video, STEREO_MODE);
  const [layout, crossed] = (stereo && MODES[unsigned(stereo)]) ?? [null, false];
  const [projection] = ebmlChildren(video, PROJECTION);
  const [kind] = projection ? ebmlChildren(projection, PROJECTION_TYPE) : [];
  const isAround = kind !== undefined && unsigned(kind) === EQUIRECTANGULAR;
  const [bounds] = projection ? ebmlChildren(projection, PROJECTION_PRIVATE) : [];
  const shape = isAround ? shapeWithin(bounds ?? new Uint8Array()) : null;
  return { shape, layout, crossed };
}
