import * as THREE from 'three';
import type { SourceCamera } from '../api/schema';
import { DepthScene, type DepthSource } from './depth';
import { aimCamera } from './framing';
import { FrameLoop } from './loop';
import { Rig } from './rig';
import type { SplatScene } from './splats';

export type Shown = 'depth' | 'splat';

export interface ViewportOptions {
  /** At most this many splats, or null for as many as the device is good for. */
  budget: number | null;
  /** The idle motion: whether it may run at all. */
  sways: boolean;
  onFrame(splats: number): void;
  onLost(): void;
}

/** Everything is scaled so that the camera turns around a point this far away. */
const FOCUS = 2;
const NEAR = 0.01;
const FAR = 4000;
const MAX_PIXEL_RATIO = 2;
/** So many frames slower than this, and the picture is drawn with fewer pixels from then on. */
const SLOW_FRAME_S = 0.045;
const SLOW_FRAMES = 12;
const GRID_COLUMNS = 448;
const GRID_COLUMNS_WITH_BUDGET = 128;
/** How far one may lean before what was never seen shows too much, in radians. */
const WIDEST_YAW: Record<Shown, number> = { depth: 0.13, splat: 0.2 };
const SWAY_AFTER_SHOWING_MS = 900;
const SWAY_AGAIN_AFTER_MS = 12_000;

/** One WebGL canvas that shows a photo as depth layers or as splats. */
export class Viewport {
  private readonly rig = new Rig();
  private readonly renderer: THREE.WebGLRenderer;
  private readonly camera = new THREE.PerspectiveCamera(50, 1, NEAR, FAR);
  private readonly loop: FrameLoop;
  private readonly resizes: ResizeObserver;
  private readonly abort = new AbortController();
  private readonly sources: Partial<Record<Shown, SourceCamera>> = {};
  private depth: DepthScene | null = null;
  private splats: SplatScene | null = null;
  private pixelRatio = MAX_PIXEL_RATIO;
  private slowFrames = 0;
  private shown: Shown | null = null;
  private swayTimer = 0;
  private sways: boolean;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly options: ViewportOptions,
  ) {
    this.sways = options.sways;
    this.renderer = new THREE.WebGLRenderer({
      canvas,
      antialias: false,
      alpha: true,
      powerPreference: 'high-performance',
    });
    this.renderer.setClearColor(0x000000, 0);
    const gl = this.renderer.getContext() as WebGL2RenderingContext;
    this.loop = new FrameLoop(gl, (seconds) => this.draw(seconds));
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(canvas);
    const lost = (event: Event) => {
      event.preventDefault();
      options.onLost();
    };
    canvas.addEventListener('webglcontextlost', lost, { signal: this.abort.signal });
    this.resize();
  }

  setDepth(source: DepthSource): void {
    this.depth?.dispose();
    const columns = this.options.budget ? GRID_COLUMNS_WITH_BUDGET : GRID_COLUMNS;
    const anisotropy = this.renderer.capabilities.getMaxAnisotropy();
    this.depth = new DepthScene(source, columns, anisotropy);
    this.depth.setScale(FOCUS / this.depth.focus);
    this.sources.depth = source.camera;
    this.renderer.compile(this.depth.scene, this.camera);
  }

  /** Reads splats and sorts them once; they are complete when this resolves. */
  async setSplats(
    bytes: Uint8Array,
    fileName: string,
    source: SourceCamera,
    signal: AbortSignal,
  ): Promise<void> {
    const over = AbortSignal.any([signal, this.abort.signal]);
    if (!this.splats) {
      const { SplatScene } = await import('./splats');
      if (over.aborted) return;
      const onDirty = () => this.shown === 'splat' && this.loop.invalidate();
      this.splats = new SplatScene(this.renderer, this.options.budget, onDirty);
    }
    await this.splats.load(bytes, fileName, over);
    if (over.aborted) return;
    this.splats.setScale(FOCUS / this.splats.focus);
    this.sources.splat = source;
    const camera = this.camera.clone();
    this.frame(camera, source);
    await this.splats.prepare(camera, over);
  }

  /** Shows one of the two, or nothing. */
  show(what: Shown | null): void {
    const before = this.shown;
    this.shown = what;
    window.clearTimeout(this.swayTimer);
    if (!what) {
      this.rig.reset(true);
      return;
    }
    const content = what === 'depth' ? this.depth : this.splats;
    if (content) this.rig.setLimits(WIDEST_YAW[what], content.nearest / content.focus);
    if (!before) this.rig.reset(true);
    this.reframe();
    this.swayLater(SWAY_AFTER_SHOWING_MS);
    this.loop.invalidate();
  }

  orbitBy(dx: number, dy: number): void {
    this.rig.orbitBy(dx, dy);
    this.moved();
  }

  dollyBy(amount: number): void {
    this.rig.dollyBy(amount);
    this.moved();
  }

  reset(): void {
    this.rig.reset();
    this.moved();
  }

  setSway(on: boolean): void {
    this.sways = on;
    window.clearTimeout(this.swayTimer);
    if (on) this.swayLater(0);
    else this.rig.stopSway();
    this.loop.invalidate();
  }

  /** Copies the picture as it is now, for a cross-fade. */
  copyTo(target: HTMLCanvasElement): void {
    this.render();
    target.width = this.canvas.width;
    target.height = this.canvas.height;
    target.getContext('2d')?.drawImage(this.canvas, 0, 0);
  }

  /** Forgets the photo, keeps the device. */
  clear(): void {
    this.show(null);
    this.depth?.dispose();
    this.depth = null;
    this.splats?.clear();
  }

  dispose(): void {
    this.abort.abort();
    window.clearTimeout(this.swayTimer);
    this.resizes.disconnect();
    this.loop.dispose();
    this.shown = null;
    this.depth?.dispose();
    void this.release();
  }

  private async release(): Promise<void> {
    await this.splats?.idle();
    this.splats?.dispose();
    this.renderer.dispose();
    if (!this.renderer.getContext().isContextLost()) this.renderer.forceContextLoss();
  }

  private moved(): void {
    this.swayLater(SWAY_AGAIN_AFTER_MS);
    this.loop.invalidate();
  }

  private swayLater(delay: number): void {
    window.clearTimeout(this.swayTimer);
    if (!this.sways) return;
    this.swayTimer = window.setTimeout(() => {
      if (!this.shown) return;
      this.rig.startSway();
      this.loop.invalidate();
    }, delay);
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return;
    const ratio = Math.min(devicePixelRatio, this.pixelRatio);
    this.renderer.setPixelRatio(ratio);
    this.splats?.setPixelRatio(ratio);
    this.renderer.setSize(width, height, false);
    this.reframe();
    // At once: a resized canvas is empty until it is drawn.
    if (this.shown) this.render();
    this.loop.invalidate();
  }

  private reframe(): void {
    const source = this.shown && this.sources[this.shown];
    if (!source) return;
    const scale = this.frame(this.camera, source) * this.renderer.getPixelRatio();
    this.depth?.setRestSize(source.width * scale, source.height * scale);
  }

  private frame(camera: THREE.PerspectiveCamera, source: SourceCamera): number {
    const { clientWidth, clientHeight } = this.canvas;
    return aimCamera(camera, source, Math.max(1, clientWidth), Math.max(1, clientHeight));
  }

  private place(): void {
    const { x, y, z } = this.rig.position();
    this.camera.position.set(x * FOCUS, y * FOCUS, z * FOCUS);
    this.camera.lookAt(0, 0, -FOCUS);
    this.camera.updateMatrixWorld();
  }

  private draw(seconds: number): boolean {
    if (!this.shown) return false;
    this.keepPace(seconds);
    const moving = this.rig.step(seconds);
    this.render();
    this.options.onFrame(this.shown === 'splat' ? (this.splats?.count ?? 0) : 0);
    return moving;
  }

  private keepPace(seconds: number): void {
    this.slowFrames = Math.max(0, this.slowFrames + (seconds > SLOW_FRAME_S ? 1 : -1));
    if (this.slowFrames < SLOW_FRAMES || this.renderer.getPixelRatio() <= 1) return;
    this.slowFrames = 0;
    this.pixelRatio = Math.max(1, this.renderer.getPixelRatio() - 0.5);
    this.resize();
  }

  private render(): void {
    this.place();
    const content = this.shown === 'splat' ? this.splats : this.depth;
    if (content) this.renderer.render(content.scene, this.camera);
  }
}
