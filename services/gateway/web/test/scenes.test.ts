import { expect, test } from 'vitest';
import type { Api } from '../src/api/client';
import { isRough } from '../src/photo/modes';
import { fromMonthOf, newest } from '../src/scenes/offered';
import { readPly } from '../src/scenes/points';
import { factsOf, versionsOf, versionWords } from '../src/scenes/versions';
import { spread, stepsOf } from '../src/scenes/walk';
import { modelWords } from '../src/ui/words';

function ply(header: string, body: number[]): Uint8Array {
  return Uint8Array.from([...new TextEncoder().encode(`${header}end_header\n`), ...body]);
}

const HEADER =
  'ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nproperty float y\n' +
  'property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n' +
  'property float confidence\n';
const ONE = [...new Uint8Array(new Float32Array([1, 2, 3]).buffer), 255, 128, 0, 0, 0, 0, 0];

test('points of a PLY are read with their colours, whatever else it says of them', () => {
  const { positions, colours } = readPly(ply(HEADER, ONE));
  expect([...positions]).toEqual([1, 2, 3]);
  expect([...colours]).toEqual([255, 128, 0]);
});

test('a PLY that is cut off, or no binary one of points, is refused', () => {
  expect(() => readPly(ply(HEADER, ONE.slice(0, -1)))).toThrow(TypeError);
  expect(() => readPly(ply(HEADER.replace('uchar blue', 'uchar b'), ONE))).toThrow(TypeError);
  expect(() => readPly(ply(HEADER.replace('binary_little_endian', 'ascii'), ONE))).toThrow(
    TypeError,
  );
});

test('each version says how it was filled', () => {
  const words = ['gaussians', 'gaussians-inpainted-lama', 'gaussians-inpainted-fill'].map(
    (model_key) => versionWords({ kind: 'splat', model_key }),
  );
  expect(words).toEqual(['As it was made', 'Filled: LaMa', 'Filled: Carry on what is beside it']);
  expect(versionWords({ kind: 'splat', model_key: 'gaussians-inpainted-new' })).toBe('Filled: new');
});

test('a photo’s filled 3D is by the model of what was filled', () => {
  expect(modelWords('lift-heuristic-inpainted-fill', [])).toBe(
    '3D from the built-in estimate, filled',
  );
  expect(isRough({ model_key: 'lift-heuristic-inpainted-fill' })).toBe(true);
});

test('a scene of photos that have changed since says so', () => {
  const scene = (outdated: boolean) =>
    ({
      assets: [{ outdated }],
      cameras: [{}, {}],
      dropped: [],
      metrics: {},
    }) as unknown as Parameters<typeof factsOf>[0];
  expect(factsOf(scene(false))).toBe('2 pictures');
  expect(factsOf(scene(true))).toBe('2 pictures · what it was made of has changed since');
});

test('points are looked at only where there are no splats', () => {
  const asset = (kind: string) => ({ kind, key: kind }) as Parameters<typeof versionsOf>[0][number];
  expect(versionsOf([asset('points')]).map(({ key }) => key)).toEqual(['points']);
  expect(versionsOf([asset('points'), asset('splat')]).map(({ key }) => key)).toEqual(['splat']);
});

test('every photo is offered, page by page', async () => {
  const pages: Record<string, object> = {
    '': { items: [{ id: 'a', name: 'a' }], next_cursor: 'on' },
    on: { items: [{ id: 'b', name: 'b' }], next_cursor: null },
  };
  const api = { photos: async (cursor: string | null) => pages[cursor ?? ''] } as unknown as Api;
  const offered = [];
  for await (const page of newest(api)) offered.push(page);
  expect(offered.map(({ items, isMore }) => [items[0]?.id, isMore])).toEqual([
    ['a', true],
    ['b', false],
  ]);
});

test('those of the month of a chosen photo are offered first, then what was taken before', async () => {
  const api = {
    timeline: async () => ['2026-07', '2026-06', '2026-05'].map((month) => ({ month })),
    month: async (month: string) => ({
      items: [
        { kind: 'photo', id: month, name: month },
        { kind: 'video', id: 'film', name: 'film' },
      ],
      next_cursor: null,
    }),
  } as unknown as Api;
  const offered = [];
  for await (const page of fromMonthOf(api, { taken_at: '2026-06-12T08:00:00Z' }))
    offered.push(page);
  expect(offered.map(({ items }) => items.map(({ id }) => id))).toEqual([['2026-06'], ['2026-05']]);
});

test('a key walks by its place on the keyboard, and two fingers that part walk ahead', () => {
  expect(stepsOf(['KeyW', 'ShiftLeft']).ahead).toBe(1);
  const apart = spread({ x: 10, y: 0 }, { x: 20, y: 0 }, { x: 0, y: 0 }, 100);
  expect(apart.ahead).toBeCloseTo(0.1);
  expect(apart.right).toBeCloseTo(-0.05);
});
