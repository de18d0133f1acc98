import { gzipSync } from 'node:zlib';
import * as THREE from 'three';
import { expect, it, vi } from 'vitest';
import type { Asset, SceneDetails } from '../../src/api/schema';
import type { House } from '../../src/xr/room';
import { SceneRoom } from '../../src/xr/sceneRoom';
import { texts } from '../../src/xr/texts';

const file = (version: string, role: string, format: string, size: number, variant = '') => ({
  role,
  format,
  size,
  variant,
  name: `${variant || role}.${format}`,
  url: `${version}/${variant || role}`,
});

const splat = (key: string): Asset =>
  ({
    key,
    kind: 'splat',
    files: [
      file(key, 'splat', 'spz', 1000, 'light'),
      file(key, 'splat', 'spz', 9000, 'full'),
      file(key, 'collision', 'voxels', 100),
    ],
  }) as unknown as Asset;

/** A wall two metres wide and high, so far ahead of where one begins. */
function wallBefore(distance: number): Uint8Array {
  const shape = [20, 20, 2];
  const told = {
    form: 'immichvr-voxels',
    version: 1,
    origin: [-1, -1, distance],
    size: 0.1,
    shape,
  };
  const bits = new Uint8Array(100).fill(255);
  return gzipSync(Buffer.concat([Buffer.from(`${JSON.stringify(told)}\n`), bits]));
}

const pose = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const scene = (versions: string[]): SceneDetails =>
  ({
    name: 'room',
    assets: versions.map(splat),
    cameras: [{ camera_to_world: pose }],
  }) as unknown as SceneDetails;

/** A room whose files come when they are let go of. */
async function opened(versions = ['a']) {
  const asked = new Map<string, (bytes: Uint8Array) => void>();
  const shown: string[] = [];
  const said: string[] = [];
  const cloud = {
    scene: new THREE.Group(),
    count: 1,
    load: async (_: Uint8Array, name: string) => void shown.push(name),
    clear: () => {},
  };
  const house = {
    api: {
      scene: async () => scene(versions),
      bytes: (url: string) => new Promise((done) => asked.set(url, done)),
    },
    surround: { quiet: () => {}, setFloorShown: () => {} },
    cloud: { get: async () => cloud },
    eyeHeight: 1.6,
    likings: { quality: 'auto' },
    splats: () => 1e6,
    settle: () => {},
    tell: () => {},
    like: (likings: object) => Object.assign(house.likings, likings),
    leap: (to: () => { x: number; z: number }) => {
      const { x, z } = to();
      head.set(x, 0, z);
    },
    toWall: (why: string) => said.push(why),
  };
  const head = new THREE.Vector3();
  const room = new SceneRoom(house as unknown as House);
  void room.open('room');
  await turn();
  const comes = async (url: string, bytes: Uint8Array = new Uint8Array(1)) => {
    asked.get(url)?.(bytes);
    await turn();
  };
  /** How far one gets, going two steps ahead. */
  const ahead = () => Math.abs(room.ground.step({ x: 0, z: 0 }, { x: 0, z: -0.7 }).z);
  return { room, asked, shown, said, head, comes, ahead };
}

const turn = () => new Promise((done) => setTimeout(done, 5));

it('has walls from the first level on, also where another quality is wanted before the second is there', async () => {
  const { room, asked, shown, comes, ahead } = await opened();
  await comes('a/collision', wallBefore(0.4));
  await comes('a/light');
  expect(shown).toEqual(['light.spz']);
  await vi.waitFor(() => expect(ahead()).toBeLessThan(0.45));
  asked.delete('a/collision');
  room.press('quality');
  await turn();
  expect(ahead()).toBeLessThan(0.45);
  expect([...asked.keys()]).not.toContain('a/collision');
});

it('goes on reading walls while levels come and go', async () => {
  const { room, comes, ahead } = await opened();
  await comes('a/light');
  room.press('quality');
  room.press('quality');
  await turn();
  expect(ahead()).toBeCloseTo(0.7);
  await comes('a/collision', wallBefore(0.4));
  await vi.waitFor(() => expect(ahead()).toBeLessThan(0.45));
});

it('has no walls of one version in another', async () => {
  const { room, comes, ahead } = await opened(['a', 'b']);
  await comes('a/collision', wallBefore(0.4));
  await comes('a/light');
  await vi.waitFor(() => expect(ahead()).toBeLessThan(0.45));
  room.press('version');
  await turn();
  expect(ahead()).toBeCloseTo(0.7);
  await comes('b/collision', wallBefore(0.2));
  await vi.waitFor(() => expect(ahead()).toBeLessThan(0.25));
});

it('leaves one where one stands in it, however large it becomes', async () => {
  const { room, head } = await opened();
  head.set(0.5, 0, -0.2);
  room.step(0.01, head);
  room.press('larger');
  expect(room.facts().xrScale).toBe('1.400');
  expect(head.toArray()).toEqual([expect.closeTo(0.7), 0, expect.closeTo(-0.28)]);
});

it('says why, where it is left because the device cannot draw it', async () => {
  const { room, said } = await opened();
  room.giveUp();
  expect(said).toEqual([texts.scene.slow]);
});

it('says that walls cannot be read, also once the scene is there, and fetches them once more when asked', async () => {
  const { room, asked, comes, ahead } = await opened();
  await comes('a/collision', new TextEncoder().encode('no walls'));
  await comes('a/light');
  await comes('a/full');
  const notes = () => room.rows().flatMap((row) => (row.kind === 'text' ? [row.text] : []));
  expect(notes()).toContain(texts.scene.wallsUnread);
  expect(ahead()).toBeCloseTo(0.7);
  asked.delete('a/collision');
  room.press('quality');
  await turn();
  await comes('a/collision', wallBefore(0.4));
  await vi.waitFor(() => expect(ahead()).toBeLessThan(0.45));
  expect(notes()).not.toContain(texts.scene.wallsUnread);
});
