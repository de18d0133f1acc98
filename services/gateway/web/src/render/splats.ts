import { type PackedSplats, type SparkRenderer, SplatMesh } from '@sparkjsdev/spark';
import * as THREE from 'three';
import { dilate, makeSpark } from './spark';
import {
  drawnSplats,
  forgetSplats,
  isBusy,
  isChosen,
  isSorted,
  sortFor,
  sortingSize,
  splatsOf,
} from './sparkInternals';

/** How many splat centres are looked at to find the middle of a cloud. */
const SAMPLES = 4000;
const NEAREST_QUANTILE = 0.02;
/** Without a budget a level of detail is made only above this many splats. */
const LOD_ABOVE = 1_500_000;
const LONGEST_WAIT_FOR_IDLE_MS = 5000;
const FIRST_SORT_TIMEOUT_MS = 60_000;

/**
 * A cloud of Gaussians, drawn by Spark. Clouds come in OpenCV axes (x right, y down, z forward)
 * with the source camera at the origin, and are turned into three's axes here.
 */
export class SplatScene {
  readonly scene = new THREE.Scene();
  focus = 1;
  nearest = 0.5;
  /** As far away as half of it is. */
  median = 1;
  private readonly spark: SparkRenderer;
  private mesh: SplatMesh | null = null;
  /** What is drawn until it is known what of the mesh in its place is. */
  private before: SplatMesh | null = null;
  private wake: () => void = () => {};

  constructor(
    private readonly renderer: THREE.WebGLRenderer,
    private readonly budget: number | null,
    onDirty: () => void,
  ) {
    const onChange = () => {
      if (this.mesh && isChosen(this.spark, this.mesh)) this.dropBefore();
      this.wake();
      onDirty();
    };
    this.spark = makeSpark(renderer, onChange, budget);
    this.scene.add(this.spark);
  }

  /** How many splats the last frame drew. */
  get count(): number {
    return this.mesh ? drawnSplats(this.spark) : 0;
  }

  /**
   * Reads a file (the name tells its format) and shows it in place of what is shown, which is drawn until this one is
   * sorted. Errors if it is not one of Spark's formats.
   */
  async load(fileBytes: Uint8Array, fileName: string, signal: AbortSignal): Promise<void> {
    const mesh = new SplatMesh({
      fileBytes,
      fileName,
      lod: true,
      lodAbove: this.budget ?? LOD_ABOVE,
      raycastable: false,
      editable: false,
    });
    await mesh.initialized.catch((error: unknown) => {
      mesh.dispose();
      throw error;
    });
    if (signal.aborted) {
      mesh.dispose();
      return;
    }
    const splats = splatsOf(mesh);
    if (!splats?.numSplats) {
      mesh.dispose();
      throw new Error(`${fileName} holds no splats`);
    }
    this.measure(splats);
    mesh.quaternion.set(1, 0, 0, 0);
    this.dropBefore();
    this.before = this.mesh;
    this.mesh = mesh;
    this.scene.add(mesh);
    // Both would be more than the budget. Spark has a copy of what it draws: one without levels is not missed.
    if (isChosen(this.spark, mesh)) this.dropBefore();
  }

  setPixelRatio(ratio: number): void {
    dilate(this.spark, ratio);
  }

  /** 0 leaves nothing of it to be seen. */
  setOpacity(opacity: number): void {
    if (this.mesh) this.mesh.opacity = opacity;
  }

  setScale(scale: number): void {
    this.mesh?.scale.setScalar(scale);
  }

  /** Sorts for this camera without drawing, so that the first frame shown is complete. */
  async prepare(camera: THREE.PerspectiveCamera, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + FIRST_SORT_TIMEOUT_MS;
    this.renderer.getDrawingBufferSize(sortingSize(this.spark));
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
      await sortFor(this.spark, this.scene, camera);
      if (!this.sorted()) await dirty;
    }
    this.wake = () => {};
  }

  clear(): void {
    this.dropBefore();
    if (!this.mesh) return;
    this.scene.remove(this.mesh);
    this.mesh.dispose();
    this.mesh = null;
    forgetSplats(this.spark);
  }

  /** Waits until no worker and no read-back of Spark's is under way: they cannot be called off. */
  async idle(): Promise<void> {
    const deadline = performance.now() + LONGEST_WAIT_FOR_IDLE_MS;
    while (isBusy(this.spark) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  dispose(): void {
    this.clear();
    this.spark.dispose();
    this.spark.geometry.dispose();
    this.spark.material.dispose();
  }

  private dropBefore(): void {
    if (!this.before) return;
    this.scene.remove(this.before);
    this.before.dispose();
    this.before = null;
  }

  private sorted(): boolean {
    return this.mesh !== null && isSorted(this.spark, this.mesh);
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
    if (distances.length === 0) return;
    const inverse = distances.reduce((sum, distance) => sum + 1 / distance, 0);
    this.focus = distances.length / inverse;
    this.median = distances[distances.length >> 1] as number;
    this.nearest = distances[Math.floor(NEAREST_QUANTILE * distances.length)] as number;
  }
}
