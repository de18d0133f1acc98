import type * as THREE from 'three';
import { beforeEach, expect, it, vi } from 'vitest';

const spark = vi.hoisted(() => ({ made: [] as unknown[], levels: false }));

vi.mock('@sparkjsdev/spark', async () => {
  const three = await import('three');
  class SplatMesh extends three.Object3D {
    initialized = Promise.resolve();
    packedSplats: unknown;
    opacity = 1;
    disposed = false;
    constructor() {
      super();
      const splats = { numSplats: 2, getSplat: () => ({ center: { x: 0, y: 0, z: 2 } }) };
      this.packedSplats = spark.levels ? { lodSplats: splats } : splats;
      spark.made.push(this);
    }
    override dispose() {
      this.disposed = true;
    }
  }
  class SparkRenderer extends three.Object3D {
    lodInstances = new Map();
    display = { mapping: [] as { node: unknown }[] };
    activeSplats = 0;
    cleared = 0;
    private readonly onDirty: () => void;
    constructor({ onDirty }: { onDirty(): void }) {
      super();
      this.onDirty = onDirty;
    }
    clearSplats() {
      this.activeSplats = 0;
      this.cleared += 1;
    }
    /** As if a frame was drawn, and sorted, with these in it. */
    draw(nodes: unknown[]) {
      this.display.mapping = nodes.map((node) => ({ node }));
      this.activeSplats = 2 * nodes.length;
      this.onDirty();
    }
  }
  return { SplatMesh, SparkRenderer };
});

const { SplatScene } = await import('../src/render/splats');

interface Mesh extends THREE.Object3D {
  disposed: boolean;
}
interface Spark extends THREE.Object3D {
  lodInstances: Map<unknown, unknown>;
  activeSplats: number;
  cleared: number;
  draw(nodes: unknown[]): void;
}

const renderer = { getPixelRatio: () => 1 } as THREE.WebGLRenderer;
const { signal } = new AbortController();
const load = async (scene: InstanceType<typeof SplatScene>): Promise<Mesh> => {
  await scene.load(new Uint8Array(), 'a.spz', signal);
  return spark.made.at(-1) as Mesh;
};
const sparkOf = (scene: InstanceType<typeof SplatScene>) => scene.scene.children[0] as Spark;

beforeEach(() => {
  spark.made.length = 0;
  spark.levels = false;
});

it('another level is shown in place of the one before without a frame of nothing, and never both', async () => {
  const scene = new SplatScene(renderer, null, () => {});
  const light = await load(scene);
  sparkOf(scene).draw([light]);
  const full = await load(scene);
  expect(scene.count).toBeGreaterThan(0);
  expect(sparkOf(scene).cleared).toBe(0);
  expect(light.disposed).toBe(true);
  expect(scene.scene.children).toEqual([sparkOf(scene), full]);
});

it('what has levels of its own stands beside the one before until its level is chosen', async () => {
  spark.levels = true;
  const scene = new SplatScene(renderer, 900, () => {});
  const light = await load(scene);
  sparkOf(scene).lodInstances.set(light, {});
  sparkOf(scene).draw([light]);
  const full = await load(scene);
  expect(light.disposed).toBe(false);
  sparkOf(scene).lodInstances.set(full, {});
  sparkOf(scene).draw([light, full]);
  expect(light.disposed).toBe(true);
  expect(light.parent).toBeNull();
  expect(scene.count).toBeGreaterThan(0);
});

it('all is given back when nothing is to be shown', async () => {
  spark.levels = true;
  const scene = new SplatScene(renderer, 900, () => {});
  const light = await load(scene);
  const full = await load(scene);
  scene.clear();
  expect([light.disposed, full.disposed]).toEqual([true, true]);
  expect(scene.count).toBe(0);
  expect(scene.scene.children).toEqual([sparkOf(scene)]);
});
