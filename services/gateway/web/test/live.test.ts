import { decode, encode } from '@msgpack/msgpack';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Rate, Recent } from '../src/live-page/meters';
import {
  halfTable,
  inspect,
  middle,
  packedMeans,
  readPlanes,
  readPoints,
  unproject,
} from '../src/live-page/planes';
import { hello, type Result, read, type Wishes } from '../src/live-page/protocol';
import { LiveStream, type Socket } from '../src/live-page/stream';

const WISHES: Wishes = {
  model: 'auto',
  output: 'gaussians',
  format: 'spark16',
  max_gaussians: 21000,
  process_res: 504,
  opacity_threshold: 0.02,
};

class FakeSocket implements Socket {
  binaryType = '';
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  closed = false;
  readonly sent: Record<string, unknown>[] = [];

  send(data: Uint8Array): void {
    this.sent.push(decode(data) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.onopen?.({} as Event);
  }

  say(message: object): void {
    const bytes = encode(message);
    this.onmessage?.({ data: bytes.slice().buffer } as MessageEvent);
  }

  end(): void {
    this.onclose?.({} as CloseEvent);
  }
}

const READY = { type: 'ready', version: 1, model: 'heuristic', licence: 'Apache-2.0' };
const result = (seq: number) => ({
  ...{ type: 'gaussians', seq, t: 5, n: 0, format: 'spark16', data: new Uint8Array(0) },
  ...{ timings: {}, dropped: 0, fov: 50 },
});

describe('a live session', () => {
  let sockets: FakeSocket[];
  let clock: number;
  const heard = { state: vi.fn(), ready: vi.fn(), result: vi.fn(), trouble: vi.fn() };
  let stream: LiveStream;
  const socket = () => sockets.at(-1) as FakeSocket;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.clearAllMocks();
    sockets = [];
    clock = 0;
    const open = () => {
      sockets.push(new FakeSocket());
      return socket();
    };
    stream = new LiveStream(open, heard, () => clock);
    stream.start(WISHES);
    socket().open();
  });

  it('begins with a hello and sends no frame before the server is ready', () => {
    expect(socket().sent[0]).toMatchObject({ type: 'hello', version: 1, ...WISHES });
    expect(stream.isFree).toBe(false);
    stream.send({ jpeg: new Uint8Array(3) });
    expect(socket().sent).toHaveLength(1);
    socket().say(READY);
    expect(stream.state).toBe('live');
    expect(stream.isFree).toBe(true);
  });

  it('has two frames under way at most, and an answer covers all before it', () => {
    socket().say(READY);
    stream.send({ jpeg: new Uint8Array(3) });
    expect(stream.isFree).toBe(true);
    stream.send({ jpeg: new Uint8Array(3) }, 'gaussians');
    expect(stream.isFree).toBe(false);
    expect(socket().sent[2]).toMatchObject({ type: 'frame', seq: 2, output: 'gaussians' });
    socket().say(result(2));
    expect(socket().sent.at(-1)).toEqual({ type: 'ack', seq: 2 });
    expect(stream.isFree).toBe(true);
    expect(heard.result).toHaveBeenCalledOnce();
  });

  it('goes on after an error about a frame, and after frames that are never answered', () => {
    socket().say(READY);
    stream.send({ jpeg: new Uint8Array(3) });
    stream.send({ jpeg: new Uint8Array(3) });
    socket().say({ type: 'error', seq: 2, code: 'invalid_image', message: 'no picture' });
    expect(heard.trouble).toHaveBeenCalledOnce();
    expect(stream.isFree).toBe(true);
    stream.send({ jpeg: new Uint8Array(3) });
    stream.send({ jpeg: new Uint8Array(3) });
    clock = 9000;
    expect(stream.isFree).toBe(true);
  });

  it.each([
    'session_over',
    'worker_gone',
    'worker_crashed',
  ])('begins anew after %s without a word', (code) => {
    socket().say(READY);
    socket().say({ type: 'error', code, message: 'over' });
    socket().end();
    vi.advanceTimersByTime(1000);
    expect(sockets).toHaveLength(2);
    socket().open();
    expect(socket().sent[0]).toMatchObject({ type: 'hello' });
    expect(heard.trouble).not.toHaveBeenCalled();
  });

  it('stays closed after a refusal, which is told', () => {
    socket().say({ type: 'error', code: 'licence_required', message: 'accept it first' });
    socket().end();
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
    expect(stream.state).toBe('closed');
    expect(heard.trouble).toHaveBeenCalledOnce();
  });

  it('gives up after a few failures in a row', () => {
    for (let i = 0; i < 20; i += 1) {
      socket().end();
      vi.advanceTimersByTime(5000);
    }
    expect(sockets).toHaveLength(6);
    expect(stream.state).toBe('closed');
    expect(heard.trouble).toHaveBeenCalledOnce();
  });

  it('says nothing more once it is stopped', () => {
    socket().say(READY);
    stream.stop();
    expect(socket().closed).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
  });
});

describe('messages', () => {
  it('what is none is an error', () => {
    for (const wrong of [[1], { type: 'goodbye' }, null, { type: 'gaussians', seq: 1 }]) {
      expect(() => read(encode(wrong).slice().buffer)).toThrow(TypeError);
    }
    expect(decode(hello(WISHES))).toMatchObject({ sh_degree: 0 });
  });
});

describe('meters', () => {
  it('a rate is what came in the last seconds', () => {
    const rate = new Rate(2000);
    expect(rate.perSecond(0)).toBe(0);
    for (let at = 0; at <= 5000; at += 100) rate.add(at, 3);
    expect(rate.perSecond(5000)).toBeCloseTo(30, 0);
    expect(rate.perSecond(9000)).toBe(0);
  });

  it('quantiles are of the last values', () => {
    const recent = new Recent(10);
    expect(recent.quantile(0.5)).toBeNaN();
    for (let i = 0; i < 100; i += 1) recent.add(i);
    expect(recent.quantile(0)).toBe(90);
    expect(recent.quantile(0.5)).toBe(95);
    expect(recent.quantile(1)).toBe(99);
  });
});

const planes = (format: string, data: ArrayBuffer, n: number) =>
  ({ format, n, data: new Uint8Array(data) }) as Result;

describe('results', () => {
  it('planes are read in the documented order, at any alignment', () => {
    const values = Float32Array.from({ length: 28 }, (_, i) => i);
    const shifted = new Uint8Array(28 * 4 + 1);
    shifted.set(new Uint8Array(values.buffer), 1);
    const read32 = readPlanes({ ...planes('fp32', values.buffer, 2), data: shifted.subarray(1) });
    expect([...read32.means]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...read32.rotations]).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
    expect(read32.colours[0]).toBeCloseTo(0.5 + 20 * 0.2820948, 4);
    expect([...read32.opacities]).toEqual([26, 27]);
    expect(() => readPlanes(planes('fp32', values.buffer, 3))).toThrow(TypeError);
  });

  it('halves are what they are in the standard', () => {
    const table = halfTable();
    const some: [number, number][] = [
      [0x3c00, 1],
      [0xc000, -2],
      [0x0001, 2 ** -24],
      [0x7bff, 65504],
      [0x7c00, Infinity],
    ];
    for (const [bits, value] of some) expect(table[bits]).toBe(value);
    expect(table[0x7e00]).toBeNaN();
  });

  it('the middles of packed splats are found, and what is wrong with them', () => {
    const words = new Uint32Array([0, 0x3c00, 0x4000, 0, 0, 0x7c00 | (0x7e00 << 16), 0xbc00, 0]);
    const means = packedMeans(planes('spark16', words.buffer, 2));
    expect([...means.subarray(0, 3)]).toEqual([1, 0, 2]);
    expect(inspect(means)).toEqual({ nan: 1, infinite: 1, behind: 1, nearest: -1, farthest: 2 });
    expect(middle(means)).toBe(2);
  });

  it('points and rgbd give the same kind of cloud', () => {
    const bytes = new Uint8Array(15);
    bytes.set(new Uint8Array(Float32Array.from([1, 2, 3]).buffer));
    bytes.set([7, 8, 9], 12);
    const points = readPoints(planes('points', bytes.buffer, 1));
    expect([...points.means, ...points.colours]).toEqual([1, 2, 3, 7, 8, 9]);
    const rgbd = {
      ...planes('rgbd', new ArrayBuffer(0), 4),
      ...{
        width: 2,
        height: 2,
        near: 1,
        far: 2,
        fov: 90,
        disparity: new Uint8Array([255, 255, 0, 0]),
      },
    };
    const rgba = new Uint8ClampedArray(16).fill(5);
    const cloud = unproject(rgbd, rgba, 100);
    expect([...cloud.means.subarray(0, 3)]).toEqual([-0.5, -0.5, 1]);
    expect([...cloud.means.subarray(9)]).toEqual([1, 1, 2]);
    expect(unproject(rgbd, rgba, 1).means).toHaveLength(3);
  });
});
