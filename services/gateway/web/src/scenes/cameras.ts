import { texts } from '../texts';
import type { Offered } from './offered';

const t = texts.scenes.cameras;

/** Cameras that somebody has already, as the gateway takes them: a transforms.json without what it passes over. */
export interface Cameras {
  frames: Camera[];
  [shared: string]: unknown;
}

export interface Camera {
  file_path?: string;
  photo_id?: string;
  transform_matrix: number[][];
  [own: string]: unknown;
}

/** What is wrong with a file of cameras, in words for whoever chose it. */
export class UnusableCameras extends Error {}

export const MOST_CAMERAS = 1000;
const FEWEST = 2;
/** Of a file; larger ones are not read. */
const MOST_BYTES = 64e6;
/** What is told of a lens, of all cameras or of one. */
const LENS = [
  'camera_model',
  'w',
  'h',
  'fl_x',
  'fl_y',
  'cx',
  'cy',
  'camera_angle_x',
  'k1',
  'k2',
  'k3',
  'p1',
  'p2',
  'is_fisheye',
];

/** Reads a transforms.json, as nerfstudio and Instant NGP write it. Throws UnusableCameras. */
export async function readCameras(file: Pick<Blob, 'size' | 'text'>): Promise<Cameras> {
  if (file.size > MOST_BYTES) throw new UnusableCameras(t.tooLarge);
  const told = parsed(await textOf(file));
  const list: unknown = told?.frames;
  if (!told || !Array.isArray(list)) throw new UnusableCameras(t.noCameras);
  if (list.length < FEWEST || list.length > MOST_CAMERAS)
    throw new UnusableCameras(t.count(list.length, MOST_CAMERAS));
  return { ...lensOf(told), frames: list.map((one, at) => cameraOf(one, at + 1)) };
}

/**
 * Those of the photos that have a camera: by their id, or where no other of them is called so, by the name of their file
 * or by that without its ending.
 */
export function withCamera({ frames }: Cameras, photos: readonly Offered[]): Offered[] {
  const ids = new Set(frames.map(({ photo_id }) => photo_id));
  const named = byName(photos);
  const found = new Set(
    frames
      .filter(({ photo_id }) => !photo_id)
      .map(nameOf)
      .map((name) => named.get(name) ?? named.get(stemOf(name))),
  );
  return photos.filter((photo) => ids.has(photo.id) || found.has(photo));
}

/** Each by its name, and by that without its ending; null where several are called so. */
function byName(photos: readonly Offered[]): Map<string, Offered | null> {
  const named = new Map<string, Offered | null>();
  for (const photo of photos)
    for (const name of new Set([photo.name, stemOf(photo.name)]))
      named.set(name, named.has(name) ? null : photo);
  return named;
}

function cameraOf(told: unknown, number: number): Camera {
  const { file_path, photo_id, transform_matrix } = isObject(told) ? told : {};
  const name = [photo_id, file_path].find((one) => typeof one === 'string' && one !== '');
  if (typeof name !== 'string') throw new UnusableCameras(t.noName(number));
  if (!isMatrix(transform_matrix)) throw new UnusableCameras(t.noPose(name));
  return {
    ...lensOf(told as Record<string, unknown>),
    ...(typeof file_path === 'string' && { file_path }),
    ...(typeof photo_id === 'string' && { photo_id }),
    transform_matrix,
  };
}

function lensOf(told: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(LENS.filter((name) => name in told).map((name) => [name, told[name]]));
}

const nameOf = ({ file_path = '' }: Camera): string =>
  file_path.replaceAll('\\', '/').split('/').at(-1) ?? '';

const stemOf = (name: string): string => name.replace(/(?<=.)\.[^.]*$/, '');

/** The browser refuses to read a file that has changed, or is gone, since it was chosen. */
async function textOf(file: Pick<Blob, 'text'>): Promise<string> {
  try {
    return await file.text();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new UnusableCameras(t.unreadable);
  }
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const told: unknown = JSON.parse(text);
    return isObject(told) ? told : null;
  } catch {
    throw new UnusableCameras(t.noJson);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isMatrix(value: unknown): value is number[][] {
  const isFour = (one: unknown): one is unknown[] => Array.isArray(one) && one.length === 4;
  return isFour(value) && value.every((row) => isFour(row) && row.every(Number.isFinite));
}
