import { type Api, ApiError } from '../api/client';
import type { Asset } from '../api/schema';
import type { Stance } from './walk';

/**
 * What one cannot walk through: voxels in the axes of the scene (x right, y down, z forwards). size: of a voxel; shape:
 * how many along each axis; bits: 1 where one cannot be, voxel (x, y, z) at x + nx (y + ny z), the lowest bit first.
 */
export interface Walls {
  origin: Triple;
  size: number;
  shape: Triple;
  bits: Uint8Array;
}

type Triple = readonly [number, number, number];

const FORM = 'immichvr-voxels';
const VERSION = 1;
const MOST_VOXELS = 2 ** 22;
const LONGEST_HEADER = 4096;
const NEWLINE = 10;
/** Of a voxel: how near one comes to what is solid, so that no wall is seen from within. */
const GIRTH = 0.7;
const STEP = 0.5;
const MOST_STEPS = 400;

/** What one cannot walk through in a version of a scene: null where there is nothing known, one walks everywhere then. */
export interface Walling {
  walls: Walls | null;
  /** There are walls, which could not be fetched or read: one walks through them. */
  isUnread: boolean;
}

export async function wallsOf(
  api: Pick<Api, 'bytes'>,
  asset: Asset,
  signal: AbortSignal,
): Promise<Walling> {
  const file = asset.files.find(({ role, format }) => role === 'collision' && format === 'voxels');
  if (!file) return { walls: null, isUnread: false };
  try {
    const walls = await readWalls(await api.bytes(file.url, () => {}, signal));
    return { walls, isUnread: false };
  } catch (error) {
    if (error instanceof ApiError || error instanceof TypeError)
      return { walls: null, isUnread: true };
    throw error;
  }
}

/** Reads a file of walls; throws TypeError for anything else, and unpacks no more than there may be. */
export async function readWalls(packed: Uint8Array): Promise<Walls> {
  const bytes = await unpacked(packed, LONGEST_HEADER + MOST_VOXELS / 8);
  const end = bytes.subarray(0, LONGEST_HEADER).indexOf(NEWLINE);
  if (end < 0) throw new TypeError('walls begin with a line that says how they are laid out');
  const { origin, size, shape } = headOf(new TextDecoder().decode(bytes.subarray(0, end)));
  const bits = bytes.subarray(end + 1);
  const count = shape[0] * shape[1] * shape[2];
  if (count > MOST_VOXELS || bits.length !== Math.ceil(count / 8))
    throw new TypeError(`${bits.length} bytes are no walls of ${shape.join(' × ')} voxels`);
  return { origin, size, shape, bits };
}

/** Whether somebody of some girth cannot be at a place, in the axes of the screen; outside of all walls they can. */
export function isBlocked(walls: Walls, { x, y, z }: Stance): boolean {
  const middle = [x, -y, -z].map((one, axis) => (one - at(walls.origin, axis)) / walls.size);
  const spans = middle.map((one, axis) => [
    Math.max(0, Math.floor(one - GIRTH)),
    Math.min(at(walls.shape, axis) - 1, Math.floor(one + GIRTH)),
  ]);
  const [across = [], down = [], ahead = []] = spans;
  for (let k = at(ahead, 0); k <= at(ahead, 1); k += 1)
    for (let j = at(down, 0); j <= at(down, 1); j += 1)
      for (let i = at(across, 0); i <= at(across, 1); i += 1)
        if (isSolid(walls, i, j, k)) return true;
  return false;
}

/**
 * Where one comes to on the way from here to there: along what is in the way, never through it. Who stands in something
 * already may leave it.
 */
export function steppedWithin(walls: Walls | null, from: Stance, to: Stance): Stance {
  if (!walls || isBlocked(walls, from)) return to;
  const way = [to.x - from.x, to.y - from.y, to.z - from.z] as const;
  const count = Math.ceil(Math.hypot(...way) / (STEP * walls.size));
  const steps = Math.min(count, MOST_STEPS);
  const [x, y, z] = way.map((one) => one / Math.max(count, 1)) as [number, number, number];
  const tried = triesOf(x, y, z);
  let here = { ...to, x: from.x, y: from.y, z: from.z };
  for (let step = 0; step < steps; step += 1) {
    const next = tried
      .map(([dx, dy, dz]) => ({ ...here, x: here.x + dx, y: here.y + dy, z: here.z + dz }))
      .find((one) => !isBlocked(walls, one));
    if (!next) break;
    here = next;
  }
  return here;
}

/** A step, and what is left of it where that cannot be done: along either wall of a corner, the longer way first. */
function triesOf(x: number, y: number, z: number): Triple[] {
  const sides: Triple[] = [
    [x, 0, 0],
    [0, 0, z],
  ];
  if (Math.abs(z) > Math.abs(x)) sides.reverse();
  const left: Triple[] = [...sides, [0, y, 0]];
  return [[x, y, z], ...left.filter((step) => Math.hypot(...step) > 0)];
}

function isSolid({ shape, bits }: Walls, x: number, y: number, z: number): boolean {
  const index = x + shape[0] * (y + shape[1] * z);
  return ((at(bits, index >> 3) >> (index & 7)) & 1) === 1;
}

function at(list: ArrayLike<number>, index: number): number {
  return list[index] ?? 0;
}

function headOf(line: string): Omit<Walls, 'bits'> {
  const told: unknown = parsed(line);
  const { form, version, origin, size, shape } = told as Record<string, unknown>;
  if (form !== FORM || version !== VERSION) throw new TypeError('these are no walls that are read');
  const isGrid = isTriple(shape) && shape.every((one) => Number.isInteger(one) && one > 0);
  if (!isTriple(origin) || !isGrid || typeof size !== 'number' || !(size > 0))
    throw new TypeError('walls want an origin, a size and a shape');
  return { origin, size, shape };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) ?? {};
  } catch (error) {
    throw new TypeError('the first line of walls is no JSON', { cause: error });
  }
}

function isTriple(value: unknown): value is Triple {
  return Array.isArray(value) && value.length === 3 && value.every((one) => Number.isFinite(one));
}

/** What was packed by gzip, at most so many bytes. */
async function unpacked(packed: Uint8Array, most: number): Promise<Uint8Array> {
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'));
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw new TypeError('walls are packed by gzip', { cause: error });
    });
    if (done) break;
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new TypeError('walls have more voxels than are read');
    }
    parts.push(value);
  }
  const whole = new Uint8Array(size);
  let filled = 0;
  for (const part of parts) {
    whole.set(part, filled);
    filled += part.length;
  }
  return whole;
}
