import { type PackedSplats, SparkRenderer, SplatMesh } from '@sparkjsdev/spark';
import * as THREE from 'three';

/** How many splat centres are looked at to find the middle of a cloud. */
const SAMPLES = 4000;
/** Without a budget a level of detail is made only above this many splats. */
const LOD_ABOVE = 1_500_000;
const FIRST_SORT_TIMEOUT_MS = 60_000;

/**
 * A cloud of Gaussians, drawn by Spark. Clouds come in OpenCV axes (x right, y down, z forward)
 * with the source camera at the origin, and are turned into three's axes here.
 */
export class SplatScene {
  readonly scene = new THREE.Scene();
  focus = 1;
  nearest = 0.5;
  private readonly spark: SparkRenderer;
  private mesh: SplatMesh | null = null;
  private wake: () => void = () => {};

  constructor(
    private readonly renderer: THREE.WebGLRenderer,
    private readonly budget: number | null,
    onDirty: () => void,
  ) {
    this.spark = new SparkRenderer({
      renderer,
      onDirty: () => {
        this.wake();
        onDirty();
      },
      ...(budget ? { lodSplatCount: budget } : {}),
    });
    this.scene.add(this.spark);
  }

  /** How many splats the last frame drew. */
  get count(): number {
    return this.mesh ? this.spark.activeSplats : 0;
  }

  /** Reads a file (the name tells its format); errors if it is not one of Spark's formats. */
  async load(fileBytes: Uint8Array, fileName: string, signal: AbortSignal): Promise<void> {
    const mesh = new SplatMesh({
      fileBytes,
      fileName,
      lod: true,
      lodAbove: this.budget ?? LOD_ABOVE,
      raycastable: false,
      editable: false,
    });
    await mesh.initialized;
    if (signal.aborted) {
      mesh.dispose();
      return;
    }
    this.clear();
    const splats = mesh.packedSplats?.lodSplats ?? mesh.packedSplats;
    if (!splats?.numSplats) {
      mesh.dispose();
      throw new Error(`${fileName} holds no splats`);
    }
    this.measure(splats);
    mesh.quaternion.set(1, 0, 0, 0);
    this.mesh = mesh;
    this.scene.add(mesh);
  }

  setScale(scale: number): void {
    this.mesh?.scale.setScalar(scale);
  }

  /** Sorts for this camera without drawing, so that the first frame shown is complete. */
  async prepare(camera: THREE.PerspectiveCamera, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + FIRST_SORT_TIMEOUT_MS;
    this.renderer.getDrawingBufferSize(this.spark.renderSize);
    this.scene.updateMatrixWorld();
    // Without this extension waiting is not possible, and three warns about the attempt.
    const waits = this.renderer.extensions.has('KHR_parallel_shader_compile');
    if (waits) await this.renderer.compileAsync(this.scene, camera);
    else this.renderer.compile(this.scene, camera);
    while (!signal.aborted && !this.sorted() && performance.now() < deadline) {
      const dirty = new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 100);
      });
      this.spark.dirty = false;
      await this.spark.update({ scene: this.scene, camera });
      if (!this.sorted()) await dirty;
    }
    this.wake = () => {};
  }

  clear(): void {
    if (!this.mesh) return;
    this.scene.remove(this.mesh);
    this.mesh.dispose();
    this.mesh = null;
    this.spark.clearSplats();
  }

  dispose(): void {
    this.clear();
    this.spark.dispose();
    this.spark.geometry.dispose();
    this.spark.material.dispose();
  }

  private sorted(): boolean {
    if (!this.mesh) return false;
    const hasLevels = Boolean(this.mesh.packedSplats?.lodSplats);
    const chosen = !hasLevels || this.spark.lodInstances.has(this.mesh);
    return chosen && this.spark.activeSplats > 0;
  }

  /** Finds the distances that the camera turns around and must not pass. */
  private measure(splats: PackedSplats): void {
    const stride = Math.max(1, Math.floor(splats.numSplats / SAMPLES));
    const distances: number[] = [];
    for (let i = 0; i < splats.numSplats; i += stride) {
      const { z } = splats.getSplat(i).center;
      if (z > 0) distances.push(z);
    }
    distances.sort((a, b) => a - b);
    const at = (q: number) => distances[Math.floor(q * (distances.length - 1))] ?? 1;
    this.focus = at(0.5);
    this.nearest = at(0.02);
  }
}
