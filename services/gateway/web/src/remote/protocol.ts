import { decode, encode } from '@msgpack/msgpack';

type Bytes = Uint8Array<ArrayBuffer>;

/** Which splat is to be drawn. */
export interface Wanted {
  place: 'photos' | 'scenes';
  id: string;
  asset: string;
}

/** From where it is to be seen; `place` is the first three rows of world to camera, OpenCV axes, lengths in metres. */
export interface Pose {
  place: number[];
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  width: number;
  height: number;
}

export interface Ready {
  type: 'ready';
  /** What draws: `cpu`, `gsplat`. */
  renderer: string;
  gaussians: number;
  /** How far away what one turns around is, and the nearest part of it, in metres. */
  focus: number;
  nearest: number;
  reason?: string;
}

export interface Picture {
  type: 'picture';
  seq: number;
  t: number;
  data: Bytes;
  width: number;
  height: number;
  /** In the size that was asked for. */
  settled: boolean;
  timings: Record<string, number>;
  dropped: number;
}

export interface Trouble {
  type: 'error';
  code: string;
  message: string;
  seq?: number;
}

const VERSION = 1;
const MOST_UNACKNOWLEDGED = 2;

export const hello = (wanted: Wanted): Bytes =>
  encode({
    type: 'hello',
    version: VERSION,
    output: 'picture',
    credit: MOST_UNACKNOWLEDGED,
    ...wanted,
  });

export const posed = (seq: number, t: number, pose: Pose): Bytes =>
  encode({ type: 'pose', seq, t, ...pose });

export const ack = (seq: number): Bytes => encode({ type: 'ack', seq });

/** Reads a message from the server. Throws a TypeError where it is none. */
export function read(data: ArrayBuffer): Ready | Picture | Trouble {
  const message = decode(new Uint8Array(data)) as Partial<Ready | Picture | Trouble> | null;
  if (message?.type === 'ready' && Number.isFinite(message.focus)) return message as Ready;
  if (message?.type === 'picture' && message.data instanceof Uint8Array) return message as Picture;
  if (message?.type === 'error') return message as Trouble;
  throw new TypeError('a message of the session that draws cannot be read');
}
