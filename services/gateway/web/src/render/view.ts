import * as THREE from 'three';
import type { SourceCamera } from '../api/schema';
import type { Surface } from '../graphics/surface';
import { aimCamera, fitFrame } from './framing';
import { FrameLoop } from './loop';
import { Rig } from './rig';

/** Everything is scaled so that the camera turns around a point this far away. */
export const FOCUS = 2;
const NEAR = 0.01;
const FAR = 4000;
const MAX_PIXEL_RATIO = 2;

export interface ViewOptions {
  /** Draws; given the seconds since the frame before. True asks for another frame. */
  draw(seconds: number): boolean;
  /** The canvas, or how many pixels it has, changed. */
  resized(): void;
}

/** One canvas, seen by a camera that may lean: what photos and live clouds are drawn on. */
export class View<S extends Surface> {
  readonly camera = new THREE.PerspectiveCamera(50, 1, NEAR, FAR);
  readonly loop: FrameLoop;
  private readonly resizes: ResizeObserver;
  private mostPixels = MAX_PIXEL_RATIO;
  private size = '';

  constructor(
    readonly surface: S,
    private readonly options: ViewOptions,
    readonly rig = new Rig(),
  ) {
    this.loop = new FrameLoop(surface.fence, (seconds) => options.draw(seconds));
    this.setSize();
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(surface.canvas);
  }

  get pixelRatio(): number {
    return this.surface.pixelRatio;
  }

  /** Draws with at most this many device pixels for each of the page's from now on. */
  limitPixels(ratio: number): void {
    this.mostPixels = ratio;
    this.resize();
  }

  /** Aims a camera so that the source's photo fits the canvas; returns canvas pixels per photo pixel. */
  aim(source: SourceCamera, camera = this.camera): number {
    const { clientWidth, clientHeight } = this.surface.canvas;
    return aimCamera(camera, source, Math.max(1, clientWidth), Math.max(1, clientHeight));
  }

  /** Draws a scene from where the rig stands. zoomFor: by how much the lens closes in there. */
  render(scene: THREE.Scene, zoomFor = (_: THREE.PerspectiveCamera) => 1): void {
    const { x, y, z } = this.rig.position();
    this.camera.position.set(x * FOCUS, y * FOCUS, z * FOCUS);
    this.camera.lookAt(0, 0, -FOCUS);
    this.camera.updateMatrixWorld();
    this.zoom(zoomFor(this.camera));
    this.surface.render(scene, this.camera);
  }

  /** Draws nothing beside the place that the source's photo has on the canvas at rest. */
  keepWithin(source: SourceCamera): void {
    const { clientWidth, clientHeight } = this.surface.canvas;
    const { scale } = fitFrame(source, clientWidth, clientHeight);
    const [width, height] = [source.width * scale, source.height * scale];
    const [x, y] = [(clientWidth - width) / 2, (clientHeight - height) / 2];
    this.surface.keepWithin(x, y, width, height);
  }

  /** Draws no more; the device is given back by `release`. */
  stop(): void {
    this.resizes.disconnect();
    this.loop.dispose();
  }

  release(): void {
    this.surface.dispose();
  }

  private zoom(zoom: number): void {
    if (zoom === this.camera.zoom) return;
    this.camera.zoom = zoom;
    this.camera.updateProjectionMatrix();
  }

  private resize(): void {
    if (!this.setSize()) return;
    this.options.resized();
    this.loop.invalidate();
  }

  /** False where it has this size already: an observer tells of the first one too, and setting it empties the canvas. */
  private setSize(): boolean {
    const { clientWidth: width, clientHeight: height } = this.surface.canvas;
    if (width === 0 || height === 0) return false;
    const ratio = Math.min(devicePixelRatio, this.mostPixels);
    const before = this.size;
    this.size = `${width} ${height} ${ratio}`;
    if (this.size === before) return false;
    this.surface.setSize(width, height, ratio);
    return true;
  }
}
