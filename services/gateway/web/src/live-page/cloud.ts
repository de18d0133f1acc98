import {
  PackedSplats,
  type SparkRenderer,
  SplatFileType,
  SplatMesh,
  utils,
} from '@sparkjsdev/spark';
import * as THREE from 'three';
import { WebGlSurface } from '../graphics/webgl';
import { dilate, makeSpark } from '../render/spark';
import { lookAgain } from '../render/sparkInternals';
import { FOCUS, View } from '../render/view';
import { middle, type Points, packedMeans, readPlanes, readPoints, unproject } from './planes';
import type { Result } from './protocol';

/** One-layer clouds show holes beyond. */
const WIDEST_YAW = 0.3;
const NEAREST = 0.5;
const WORDS = 4;
/** How much of a new frame's scale is taken over: the rest is the ones before it. */
const SCALE_GAIN = 0.15;
const POINTS_BUDGET = 100_000;

/** What is live, drawn by Spark from one array of packed splats that is written in place. */
export class LiveCloud {
  private readonly view: View<WebGlSurface>;
  private readonly scene = new THREE.Scene();
  private readonly content = new THREE.Group();
  private readonly spark: SparkRenderer;
  private readonly axes = new THREE.AxesHelper(0.5);
  private words = new Uint32Array(0);
  private splats: PackedSplats | null = null;
  private mesh: SplatMesh | null = null;
  private points: THREE.Points | null = null;
  private source = { width: 4, height: 3, fov: 50 };
  private reading = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly onFrame: () => void,
  ) {
    this.view = new View(new WebGlSurface(canvas, () => {}), {
      draw: (seconds) => this.draw(seconds),
      resized: () => dilate(this.spark, this.view.pixelRatio),
    });
    this.spark = makeSpark(this.view.surface.renderer, () => this.view.loop.invalidate());
    this.scene.add(this.spark, this.content);
    // Clouds come in OpenCV axes, three's y and z point the other way.
    this.content.quaternion.set(1, 0, 0, 0);
    this.axes.visible = false;
    // Before everything, or the splats around would cover them.
    this.axes.renderOrder = 1;
    (this.axes.material as THREE.Material).depthTest = false;
    (this.axes.material as THREE.Material).transparent = true;
    this.content.add(this.axes);
    this.view.rig.setLimits(WIDEST_YAW, NEAREST);
  }

  /** Draws a result from now on; its middles, (n, 3), for those who want to look at them. */
  async show(result: Result, aspect: number): Promise<Float32Array | null> {
    this.source = { width: aspect, height: 1, fov: result.fov };
    const means =
      result.type === 'gaussians' ? await this.showSplats(result) : await this.showPoints(result);
    if (means) this.rescale(means);
    this.view.loop.invalidate();
    return means;
  }

  showAxes(on: boolean): void {
    this.axes.visible = on;
    this.view.loop.invalidate();
  }

  orbitBy(dx: number, dy: number): void {
    this.view.rig.orbitBy(dx, dy);
    this.view.loop.invalidate();
  }

  dollyBy(amount: number): void {
    this.view.rig.dollyBy(amount);
    this.view.loop.invalidate();
  }

  reset(): void {
    this.view.rig.reset();
    this.view.loop.invalidate();
  }

  private async showSplats(result: Result): Promise<Float32Array | null> {
    if (result.format === 'spz') return this.showFile(result);
    const { n } = result;
    const splats = this.reserve(n);
    let means: Float32Array;
    if (result.format === 'spark16') {
      // Copied, not viewed: msgpack's bytes begin at any address.
      new Uint8Array(this.words.buffer).set(result.data.subarray(0, n * WORDS * 4));
      means = packedMeans(result);
    } else {
      const planes = readPlanes(result);
      means = planes.means;
      pack(planes, n, this.words);
    }
    this.shown(splats, n);
    return means;
  }

  private async showFile(result: Result): Promise<Float32Array | null> {
    // Files are read in a worker: while one is, newer ones are skipped.
    if (this.reading) return null;
    this.reading = true;
    try {
      const file = new PackedSplats({ fileBytes: result.data, fileType: SplatFileType.SPZ });
      await file.initialized;
      const splats = this.reserve(file.numSplats);
      const words = file.packedArray?.subarray(0, file.numSplats * WORDS);
      if (words) this.words.set(words);
      this.shown(splats, file.numSplats);
      const data = new Uint8Array(this.words.buffer, 0, file.numSplats * WORDS * 4);
      file.dispose();
      return packedMeans({ ...result, n: splats.numSplats, data: data.slice() });
    } finally {
      this.reading = false;
    }
  }

  /** Room for n splats. Their number on the GPU only grows: a change would cost a sort. */
  private reserve(n: number): PackedSplats {
    this.hidePoints();
    if (this.splats && this.words.length >= n * WORDS) return this.splats;
    if (this.mesh) {
      this.content.remove(this.mesh);
      this.mesh.dispose();
    }
    this.words = new Uint32Array(utils.computeMaxSplats(n) * WORDS);
    this.splats = new PackedSplats({ packedArray: this.words, numSplats: n });
    this.mesh = new SplatMesh({ packedSplats: this.splats, editable: false, raycastable: false });
    this.content.add(this.mesh);
    return this.splats;
  }

  private shown(splats: PackedSplats, n: number): void {
    const before = splats.numSplats;
    // What is left of a larger cloud is made invisible.
    if (before > n) this.words.fill(0, n * WORDS, before * WORDS);
    splats.numSplats = Math.max(before, n);
    if (!this.mesh) return;
    this.mesh.visible = true;
    lookAgain(splats, this.mesh);
  }

  private async showPoints(result: Result): Promise<Float32Array | null> {
    let points: Points;
    if (result.type === 'rgbd') {
      if (this.reading) return null;
      this.reading = true;
      try {
        points = unproject(result, await pixelsOf(result), POINTS_BUDGET);
      } finally {
        this.reading = false;
      }
    } else points = readPoints(result);
    if (this.mesh) this.mesh.visible = false;
    this.setPoints(points);
    return points.means;
  }

  private setPoints({ means, colours }: Points): void {
    this.points ??= this.makePoints();
    this.points.visible = true;
    const { geometry } = this.points;
    const held = geometry.getAttribute('position') as THREE.BufferAttribute | undefined;
    if (held && held.array.length >= means.length) {
      held.array.set(means);
      held.needsUpdate = true;
      const colour = geometry.getAttribute('color') as THREE.BufferAttribute;
      colour.array.set(colours);
      colour.needsUpdate = true;
    } else {
      geometry.setAttribute('position', new THREE.BufferAttribute(means.slice(), 3));
      geometry.setAttribute('color', new THREE.BufferAttribute(colours.slice(), 3, true));
    }
    const n = means.length / 3;
    geometry.setDrawRange(0, n);
    const { clientWidth, clientHeight } = this.canvas;
    const cell = Math.sqrt((clientWidth * clientHeight) / Math.max(1, n));
    (this.points.material as THREE.PointsMaterial).size = cell * this.view.pixelRatio;
  }

  private makePoints(): THREE.Points {
    const material = new THREE.PointsMaterial({ vertexColors: true, sizeAttenuation: false });
    material.onBeforeCompile = (shader) => {
      // The bytes are sRGB already and go to the screen as they are, as splats do.
      shader.fragmentShader = shader.fragmentShader.replace('#include <colorspace_fragment>', '');
    };
    const points = new THREE.Points(new THREE.BufferGeometry(), material);
    points.frustumCulled = false;
    this.content.add(points);
    return points;
  }

  private hidePoints(): void {
    if (this.points) this.points.visible = false;
  }

  private rescale(means: Float32Array): void {
    const wanted = FOCUS / middle(means);
    const before = this.content.scale.x;
    const scale = before === 1 ? wanted : before + SCALE_GAIN * (wanted - before);
    this.content.scale.setScalar(scale);
    this.axes.position.set(0, 0, FOCUS / scale);
    this.axes.scale.setScalar(1 / scale);
  }

  private draw(seconds: number): boolean {
    const moving = this.view.rig.step(seconds);
    const { width, height, fov } = this.source;
    const focal = height / 2 / Math.tan((fov * Math.PI) / 360);
    const source = { fx: focal, fy: focal, cx: width / 2, cy: height / 2, width, height };
    this.view.aim(source);
    this.view.render(this.scene);
    this.onFrame();
    return moving;
  }
}

function pack(planes: ReturnType<typeof readPlanes>, n: number, words: Uint32Array): void {
  const { means, scales, rotations, colours, opacities } = planes;
  const at = (array: Float32Array, i: number) => array[i] as number;
  for (let i = 0; i < n; i += 1) {
    const [a, q] = [i * 3, i * 4];
    const [w, x, y, z] = [
      at(rotations, q),
      at(rotations, q + 1),
      at(rotations, q + 2),
      at(rotations, q + 3),
    ];
    const [r, g, b] = [at(colours, a), at(colours, a + 1), at(colours, a + 2)];
    const [sx, sy, sz] = [at(scales, a), at(scales, a + 1), at(scales, a + 2)];
    const [px, py, pz] = [at(means, a), at(means, a + 1), at(means, a + 2)];
    utils.setPackedSplat(words, i, px, py, pz, sx, sy, sz, x, y, z, w, at(opacities, i), r, g, b);
  }
}

async function pixelsOf(result: Result): Promise<Uint8ClampedArray> {
  const { width = 1, height = 1 } = result;
  const blob = new Blob([result.data], { type: 'image/jpeg' });
  const bitmap = await createImageBitmap(blob, { resizeWidth: width, resizeHeight: height });
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
}
