import * as THREE from 'three';
import { type Cloud, type CloudOf, countOf, forgetCloud } from '../render/cloud';
import { readGlb } from './glb';
import { type PointTile, readTree, selectTiles, type Triple } from './pointTree';

/** Points drawn at once, and twice as many kept. */
export const POINT_BUDGET = 1_500_000;
const AT_A_TIME = 4;

/** Reads a file of the asset by its name. */
export type OpenFile = (name: string, signal: AbortSignal) => Promise<Uint8Array>;

/** A point cloud of which what is seen is loaded, as fine as it is seen. */
export class TiledPoints {
  readonly group = new THREE.Group();
  private readonly here = new Map<string, Cloud>();
  private readonly loading = new Set<string>();
  private readonly broken = new Set<string>();
  private wanted: PointTile[] = [];
  private readonly abort = new AbortController();
  private readonly frustum = new THREE.Frustum();
  private readonly matrix = new THREE.Matrix4();

  /** changed: another tile is here. */
  constructor(
    private readonly root: PointTile,
    private readonly open: OpenFile,
    private readonly cloudOf: CloudOf,
    private readonly budget: number,
    private readonly changed: () => void,
  ) {}

  /** The cloud, with its coarsest tile. Throws where that cannot be read. */
  static async open(
    index: Uint8Array,
    open: OpenFile,
    cloudOf: CloudOf,
    budget: number,
    changed: () => void,
    signal: AbortSignal,
  ): Promise<TiledPoints> {
    const root = readTree(new TextDecoder().decode(index));
    const tiled = new TiledPoints(root, open, cloudOf, budget, changed);
    await tiled.load(tiled.root, signal);
    return tiled;
  }

  /** Points that the last frame drew. */
  get count(): number {
    return this.group.children.reduce((sum, one) => sum + countOf(one as Cloud), 0);
  }

  /** Chooses what is drawn from here. height: of the canvas in its own pixels. */
  look(camera: THREE.PerspectiveCamera, height: number): void {
    const viewer = this.viewerOf(camera, height);
    const { shown, wanted } = selectTiles(this.root, viewer, this.budget, ({ file }) =>
      this.here.has(file),
    );
    const chosen = shown.map(({ file }) => this.here.get(file) as Cloud);
    const before = this.group.children;
    if (chosen.length !== before.length || chosen.some((one) => one.parent !== this.group)) {
      this.group.clear();
      if (chosen.length) this.group.add(...chosen);
    }
    this.wanted = wanted;
    this.forget(new Set([...shown, ...wanted].map(({ file }) => file)));
    this.loadOn();
  }

  dispose(): void {
    this.abort.abort();
    for (const points of this.here.values()) forgetCloud(points);
    this.here.clear();
    this.group.clear();
  }

  private viewerOf(camera: THREE.PerspectiveCamera, height: number) {
    this.matrix.multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse);
    this.frustum.setFromProjectionMatrix(this.matrix, camera.coordinateSystem);
    const focal = height / 2 / Math.tan((camera.fov * Math.PI) / 360);
    const { x, y, z } = camera.position;
    // Bounds are in OpenCV's axes, whose y and z point the other way.
    const planes = this.frustum.planes.map(
      ({ normal, constant }) => [normal.x, -normal.y, -normal.z, constant] as const,
    );
    return { eye: [x, -y, -z] as Triple, planes, focal };
  }

  private loadOn(): void {
    const known = [this.here, this.loading, this.broken];
    for (const tile of this.wanted) {
      if (this.loading.size >= AT_A_TIME || this.abort.signal.aborted) return;
      if (known.some((those) => those.has(tile.file))) continue;
      void this.load(tile, this.abort.signal)
        .then(() => this.changed())
        .catch(() => this.broken.add(tile.file))
        .finally(() => this.loadOn());
    }
  }

  private async load({ file }: PointTile, wanted: AbortSignal): Promise<void> {
    this.loading.add(file);
    try {
      const signal = AbortSignal.any([wanted, this.abort.signal]);
      const points = await readGlb(await this.open(file, signal));
      if (signal.aborted) return;
      this.here.set(file, this.cloudOf(points));
    } finally {
      this.loading.delete(file);
    }
  }

  /** Lets go of what has not been used for longest, where more is kept than twice the budget. */
  private forget(used: Set<string>): void {
    for (const file of used) {
      const points = this.here.get(file);
      if (!points) continue;
      this.here.delete(file);
      this.here.set(file, points);
    }
    let kept = 0;
    for (const points of this.here.values()) kept += countOf(points);
    for (const [file, points] of this.here) {
      if (kept <= 2 * this.budget) return;
      if (used.has(file) || file === this.root.file) continue;
      kept -= countOf(points);
      this.here.delete(file);
      forgetCloud(points);
    }
  }
}
