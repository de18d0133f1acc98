import { decode, encode } from '@msgpack/msgpack';

/** The messages of a live session: msgpack maps over one WebSocket. */
export type Output = 'gaussians' | 'points' | 'rgbd';
export type Format = 'spark16' | 'fp16' | 'fp32' | 'spz';

type Bytes = Uint8Array<ArrayBuffer>;

export interface Wishes {
  model: string;
  output: Output;
  format: Format;
  max_gaussians: number;
  process_res: number;
  opacity_threshold: number;
}

export interface Ready {
  type: 'ready';
  model: string;
  licence: string;
  output: Output;
  format: string;
}

export interface Result {
  type: Output | 'capture';
  seq: number;
  t: number;
  n: number;
  format: string;
  data: Uint8Array<ArrayBuffer>;
  timings: Record<string, number>;
  dropped: number;
  /** Vertical, in degrees. */
  fov: number;
  invalid?: number;
  /** Of `rgbd`: 8 bits, 255 at `near`. */
  disparity?: Uint8Array<ArrayBuffer>;
  width?: number;
  height?: number;
  near?: number;
  far?: number;
}

export interface Trouble {
  type: 'error';
  code: string;
  message: string;
  seq?: number;
}

export type Incoming = Ready | Result | Trouble;

export interface Picture {
  jpeg: Uint8Array;
  fov?: number;
}

const VERSION = 1;
const KINDS = new Set(['ready', 'gaussians', 'points', 'rgbd', 'capture', 'error']);
const RESULTS = new Set(['gaussians', 'points', 'rgbd', 'capture']);

export const hello = (wishes: Wishes): Bytes =>
  encode({ type: 'hello', version: VERSION, sh_degree: 0, ...wishes });

export const frame = (seq: number, t: number, picture: Picture, output?: Output): Bytes =>
  encode({ type: 'frame', seq, t, ...picture, ...(output ? { output } : {}) });

export const capture = (seq: number, t: number, picture: Picture): Bytes =>
  encode({ type: 'capture', seq, t, ...picture });

export const ack = (seq: number): Bytes => encode({ type: 'ack', seq });

export const isResult = (message: Incoming): message is Result => RESULTS.has(message.type);

/** Reads a message from the server. Throws a TypeError where it is none. */
export function read(data: ArrayBuffer): Incoming {
  const message = decode(new Uint8Array(data)) as Partial<Incoming> | null;
  if (typeof message !== 'object' || !KINDS.has(message?.type ?? '')) {
    throw new TypeError('a message of the live session cannot be read');
  }
  if (RESULTS.has(message?.type ?? '')) {
    const { data: bytes, seq, n } = message as Partial<Result>;
    if (!(bytes instanceof Uint8Array) || !Number.isFinite(seq) || !Number.isFinite(n)) {
      throw new TypeError('a result of the live session is incomplete');
    }
  }
  return message as Incoming;
}
