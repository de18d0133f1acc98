import { describe, expect, it } from 'vitest';
import { glbOf as bytesOf } from '../dev/points.mjs';
import { readGlb } from '../src/scenes/glb';
import { planOf } from '../src/scenes/plan';
import { type PointTile, readTree, selectTiles, type Viewer } from '../src/scenes/pointTree';

function tile(
  file: string,
  left: number,
  right: number,
  detail: number,
  children: PointTile[] = [],
) {
  const bounds = { low: [left, -1, 3], high: [right, 1, 3] } as PointTile['bounds'];
  return { file, count: 100, bounds, detail, children };
}

const LEFT = tile('left', -1, 0, 0.05);
const RIGHT = tile('right', 0, 1, 0.05);
const ROOT = tile('root', -1, 1, 0.2, [LEFT, RIGHT]);
const AHEAD: Viewer = { eye: [0, 0, 0], planes: [[0, 0, 1, 0]], focal: 500 };
/** Sees what is right of the middle alone. */
const RIGHTWARDS: Viewer = { ...AHEAD, planes: [[1, 0, 0, -0.01]] };
const names = (tiles: PointTile[]) => tiles.map(({ file }) => file).sort();
const all = () => true;

// Of a Buffer a slice is no copy.
const glbOf = (places: number[][]) => Uint8Array.from(bytesOf(places));

describe('of a tree of points', () => {
  it('the children are drawn where the parent is too coarse', () => {
    expect(names(selectTiles(ROOT, AHEAD, 1000, all).shown)).toEqual(['left', 'right']);
  });

  it('the parent stands for them until all that are seen are here', () => {
    const { shown, wanted } = selectTiles(ROOT, AHEAD, 1000, ({ file }) => file !== 'left');
    expect(names(shown)).toEqual(['root']);
    expect(names(wanted)).toEqual(['left']);
  });

  it('what is not seen is neither drawn nor asked for', () => {
    const only = selectTiles(ROOT, RIGHTWARDS, 1000, ({ file }) => file !== 'left');
    expect([names(only.shown), only.wanted]).toEqual([['right'], []]);
    const away = { ...AHEAD, planes: [[0, 0, -1, 0]] as const };
    expect(selectTiles(ROOT, away, 1000, all)).toEqual({ shown: [], wanted: [] });
  });

  it('from afar the parent is fine enough, and a budget keeps it too', () => {
    const far = { ...AHEAD, eye: [0, 0, -200] as Viewer['eye'] };
    expect(names(selectTiles(ROOT, far, 1000, all).shown)).toEqual(['root']);
    const poor = selectTiles(ROOT, AHEAD, 150, () => true);
    expect([names(poor.shown), poor.wanted]).toEqual([['root'], []]);
  });

  it('the index is read, and anything else refused', () => {
    expect(readTree(JSON.stringify({ format: 'glb', root: ROOT })).children).toHaveLength(2);
    for (const wrong of [
      { format: 'spz', root: ROOT },
      { format: 'glb' },
      { format: 'glb', root: { ...ROOT, bounds: {} } },
    ])
      expect(() => readTree(JSON.stringify(wrong))).toThrow(TypeError);
  });
});

describe('a GLB of points', () => {
  it('is read in the axes of its cloud, with its colours', async () => {
    const { positions, colours } = await readGlb(
      glbOf([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    );
    expect([...positions]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...colours]).toEqual([255, 0, 0, 255, 0, 0]);
  });

  it('that is cut off, or holds something else, is refused', async () => {
    const whole = glbOf([[1, 2, 3]]);
    await expect(readGlb(whole.subarray(0, 40))).rejects.toThrow(TypeError);
    await expect(readGlb(whole.subarray(0, whole.length - 8))).rejects.toThrow(TypeError);
    await expect(readGlb(new Uint8Array(100))).rejects.toThrow(TypeError);
  });
});

describe('of a version', () => {
  const file = (role: string, format: string, name: string, variant = '') =>
    ({ role, format, name, variant }) as never;
  it('splats come before tiles, tiles before levels, levels before one file', () => {
    const ply = file('points', 'ply', 'points.ply');
    const levels = ['full', 'preview'].map((name) => file('level', 'glb', `${name}.glb`, name));
    const tiles = [file('tile', 'glb', 'r.glb'), file('tiles', 'json', 'tiles.json')];
    const shown = (files: never[]) => {
      const plan = planOf({ files });
      return plan?.kind === 'files' ? plan.files.map(({ name }) => name) : plan?.kind;
    };
    expect(shown([ply])).toEqual(['points.ply']);
    expect(shown([ply, ...levels])).toEqual(['preview.glb', 'full.glb']);
    expect(shown([ply, ...levels, ...tiles])).toBe('tiles');
    expect(shown([ply, ...tiles, file('splat', 'spz', 'splat.spz')])).toEqual(['splat.spz']);
    expect(shown([])).toBeUndefined();
  });
});
