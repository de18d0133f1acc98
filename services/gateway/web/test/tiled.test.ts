import { PerspectiveCamera } from 'three';
import { describe, expect, it, vi } from 'vitest';
import { TREE } from '../dev/points.mjs';
import { type CloudOf, countOf, plainPoints } from '../src/render/cloud';
import { type OpenFile, TiledPoints } from '../src/scenes/tiled';

const INDEX = TREE.get('tiles.json') as Uint8Array;

/** What was opened has come or not, and whoever waited for it has been told. */
async function settled({ mock }: { mock: { results: { value: unknown }[] } }) {
  await Promise.allSettled(mock.results.map(({ value }) => value));
  await new Promise((resolve) => setTimeout(resolve));
}

/** The tree of the wall, whose tiles below the root come as `below` says. */
async function wall(below: OpenFile) {
  const open = vi.fn<OpenFile>(async (name, signal) =>
    name === 'r.glb' ? (TREE.get(name) as Uint8Array) : below(name, signal),
  );
  const changed = vi.fn();
  const forgotten = vi.fn();
  const cloudOf = plainPoints();
  const listened: CloudOf = (points) => {
    const cloud = cloudOf(points);
    cloud.addEventListener('dispose', () => forgotten(countOf(cloud)));
    return cloud;
  };
  const { signal } = new AbortController();
  const tiled = await TiledPoints.open(INDEX, open, listened, 10_000, changed, signal);
  return { tiled, open, changed, forgotten };
}

describe('points in tiles', () => {
  const camera = new PerspectiveCamera(60, 1.5, 0.01, 100);
  camera.updateMatrixWorld();

  it('are drawn coarse until what is finer has come', async () => {
    const { tiled, changed } = await wall(async (name) => TREE.get(name) as Uint8Array);
    tiled.look(camera, 600);
    expect(tiled.count).toBe(100);
    await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(2));
    tiled.look(camera, 600);
    expect(tiled.count).toBe(1600);
  });

  it('of which some cannot be read are drawn by the others, and not asked for again and again', async () => {
    const { tiled, open } = await wall(() => Promise.reject(new TypeError('no such file')));
    tiled.look(camera, 600);
    await settled(open);
    tiled.look(camera, 600);
    await settled(open);
    expect(tiled.count).toBe(100);
    expect(open).toHaveBeenCalledTimes(3);
  });

  it('that are left while some are loading load no more', async () => {
    const refuse = (_: string, signal: AbortSignal) =>
      new Promise<Uint8Array>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        if (signal.aborted) reject(signal.reason);
      });
    const { tiled, open } = await wall(refuse);
    tiled.look(camera, 600);
    tiled.dispose();
    await settled(open);
    expect(open).toHaveBeenCalledTimes(3);
  });

  it('are let go of as what was drawn, not only as what it is made of', async () => {
    const { tiled, changed, forgotten } = await wall(async (name) => TREE.get(name) as Uint8Array);
    tiled.look(camera, 600);
    await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(2));
    tiled.look(camera, 600);
    expect(forgotten).not.toHaveBeenCalled();
    tiled.dispose();
    expect(forgotten.mock.calls.map(([count]) => count)).toEqual(
      expect.arrayContaining([100, 800]),
    );
    expect(forgotten).toHaveBeenCalledTimes(3);
  });

  it('have as many points as their files say', () => {
    const cloud = plainPoints()({ positions: new Float32Array(9), colours: new Uint8Array(9) });
    expect(countOf(cloud)).toBe(3);
  });
});
