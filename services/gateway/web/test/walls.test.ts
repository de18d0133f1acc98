import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ApiError } from '../src/api/client';
import type { Asset } from '../src/api/schema';
import { isBlocked, readWalls, steppedWithin, type Walls, wallsOf } from '../src/scenes/walls';

const STILL = { x: 0, y: 0, z: 0, yaw: 0, pitch: 0 };
const SIDE = 10;

/** A box of ten voxels to a side, half a metre each, around where one stands: its outermost voxels are solid. */
function box(version = 1): Uint8Array {
  const bits = new Uint8Array(Math.ceil(SIDE ** 3 / 8));
  const isEdge = (one: number) => one === 0 || one === SIDE - 1;
  for (let index = 0; index < SIDE ** 3; index += 1) {
    const [x, y, z] = [
      index % SIDE,
      Math.floor(index / SIDE) % SIDE,
      Math.floor(index / SIDE ** 2),
    ];
    if (isEdge(x) || isEdge(y) || isEdge(z))
      bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return packed({ version }, bits);
}

function packed(told: object, bits: Uint8Array): Uint8Array {
  const head = { form: 'immichvr-voxels', version: 1, origin: [-2.5, -2.5, -2.5], size: 0.5 };
  const line = `${JSON.stringify({ ...head, shape: [SIDE, SIDE, SIDE], ...told })}\n`;
  return gzipSync(Buffer.concat([Buffer.from(line), bits]));
}

const boxed = (): Promise<Walls> => readWalls(box());

test('one stands freely in a room, and in no wall of it', async () => {
  const walls = await boxed();
  expect(isBlocked(walls, STILL)).toBe(false);
  for (const at of [{ x: 2.4 }, { x: -2.4 }, { y: 2.4 }, { z: -2.2 }])
    expect(isBlocked(walls, { ...STILL, ...at })).toBe(true);
  expect(isBlocked(walls, { ...STILL, x: 40 })).toBe(false);
});

test('nobody walks through a wall, however far one step would go', async () => {
  const walls = await boxed();
  for (const far of [1, 3, 1000]) {
    const { z } = steppedWithin(walls, STILL, { ...STILL, z: -far });
    expect(-z).toBeLessThanOrEqual(Math.min(far, 1.7));
    expect(-z).toBeGreaterThan(0.9);
  }
});

test('one slides along a wall, and keeps looking where one looks', async () => {
  const walls = await boxed();
  const stopped = steppedWithin(walls, STILL, { ...STILL, z: -3 });
  const slid = steppedWithin(walls, stopped, { ...stopped, x: 1, z: stopped.z - 1, yaw: 0.7 });
  expect(slid.x).toBeCloseTo(1);
  expect(slid.z).toBeCloseTo(stopped.z);
  expect(slid.yaw).toBe(0.7);
});

test('who stands in something may leave it, and without walls everything is free', async () => {
  const walls = await boxed();
  const within = { ...STILL, x: 2.4 };
  expect(steppedWithin(walls, within, STILL)).toEqual(STILL);
  expect(steppedWithin(null, STILL, { ...STILL, z: -50 }).z).toBe(-50);
});

test('which way is up is told rightly: a floor alone is below', async () => {
  const bits = new Uint8Array(Math.ceil(SIDE ** 3 / 8));
  for (let index = 0; index < SIDE ** 3; index += 1)
    if (Math.floor(index / SIDE) % SIDE === SIDE - 1)
      bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  const walls = await readWalls(packed({}, bits));
  expect(steppedWithin(walls, STILL, { ...STILL, y: -5 }).y).toBeGreaterThan(-2);
  expect(steppedWithin(walls, STILL, { ...STILL, y: 5 }).y).toBe(5);
});

test.each([
  ['another version', box(2)],
  ['too few bits', packed({}, new Uint8Array(3))],
  ['a shape of nothing', packed({ shape: [0, 1, 1] }, new Uint8Array(0))],
  ['more voxels than are read', packed({ shape: [4096, 4096, 4096] }, new Uint8Array(8))],
  ['a size of nothing', packed({ size: 0 }, new Uint8Array(125))],
  ['what is not packed', new TextEncoder().encode('walls\n')],
  ['what is no JSON', gzipSync('walls\n')],
  ['what is nothing', gzipSync('null\n')],
  ['far more than it says', gzipSync(Buffer.alloc(2_000_000))],
])('%s is refused', async (_, bytes) => {
  await expect(readWalls(bytes)).rejects.toThrow(TypeError);
});

test('a version without walls is told from one whose walls cannot be had', async () => {
  const asset = (...files: object[]) => ({ files }) as unknown as Asset;
  const walled = asset({ role: 'collision', format: 'voxels', url: 'voxels.gz' });
  const { signal } = new AbortController();
  const had = (bytes: () => Promise<Uint8Array>, of = walled) => wallsOf({ bytes }, of, signal);
  expect(await had(async () => box(), asset())).toEqual({ walls: null, isUnread: false });
  expect((await had(async () => box())).walls?.shape).toEqual([SIDE, SIDE, SIDE]);
  const unread = { walls: null, isUnread: true };
  expect(await had(async () => gzipSync('walls\n'))).toEqual(unread);
  expect(await had(async () => new TextEncoder().encode('not even packed'))).toEqual(unread);
  const away = new ApiError('unavailable', 503);
  expect(await had(() => Promise.reject(away))).toEqual(unread);
  const left = new DOMException('left', 'AbortError');
  await expect(had(() => Promise.reject(left))).rejects.toBe(left);
});
