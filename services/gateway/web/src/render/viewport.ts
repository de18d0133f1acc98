import type { SourceCamera } from '../api/schema';
import { DepthScene, type DepthSource } from './depth';
import type { SplatScene } from './splats';
import { FOCUS, View } from './view';

export type Shown = 'depth' | 'splat';

export interface ViewportOptions {
  /** At most this many splats, or null for as many as the device is good for. */
  budget: number | null;
  /** The idle motion: whether it may run at all. */
  sways: boolean;
  /** lean: how far from where the photographer stood the frame was drawn, about in radians. */
  onFrame(splats: number, lean: number): void;
  onLost(): void;
}

/** So many frames slower than this, and the picture is drawn with fewer pixels from then on. */
const SLOW_FRAME_S = 0.045;
const SLOW_FRAMES = 12;
/** As many as the map has, within what devices draw with ease. */
const MOST_GRID_COLUMNS = 800;
const GRID_COLUMNS_WITH_BUDGET = 128;
/** How far one may lean before what was never seen shows too much, in radians. */
const WIDEST_YAW: Record<Shown, number> = { depth: 0.13, splat: 0.2 };
/** Splats come nearer by this part while one leans this far, so that their edge stays beyond the frame. */
const CLOSER = 0.07;
const CLOSER_AT = 0.1;
const SWAY_AFTER_SHOWING_MS = 900;
const SWAY_AGAIN_AFTER_MS = 12_000;

/** One WebGL canvas that shows a photo as depth layers or as splats. */
export class Viewport {
  private readonly view: View;
  private readonly abort = new AbortController();
  private readonly sources: Partial<Record<Shown, SourceCamera>> = {};
  private readonly trust: Record<Shown, number> = { depth: 1, splat: 1 };
  private depth: DepthScene | null = null;
  private restScale = 1;
  private splats: SplatScene | null = null;
  private slowFrames = 0;
  private shown: Shown | null = null;
  private swayTimer = 0;
  private sways: boolean;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly options: ViewportOptions,
  ) {
    this.sways = options.sways;
    this.view = new View(canvas, {
      draw: (seconds) => this.draw(seconds),
      resized: () => this.resized(),
    });
    const lost = (event: Event) => {
      event.preventDefault();
      options.onLost();
    };
    canvas.addEventListener('webglcontextlost', lost, { signal: this.abort.signal });
  }

  /** How much of the usual lean what is shown bears, by how well its depth is known: 0 to 1. */
  setTrust(what: Shown, trust: number): void {
    this.trust[what] = trust;
  }

  setDepth(source: DepthSource): void {
    this.depth?.dispose();
    const columns = this.options.budget
      ? GRID_COLUMNS_WITH_BUDGET
      : Math.min(source.disparity.naturalWidth, MOST_GRID_COLUMNS);
    const anisotropy = this.view.renderer.capabilities.getMaxAnisotropy();
    this.depth = new DepthScene(source, columns, anisotropy);
    this.depth.setScale(FOCUS / this.depth.focus);
    this.sources.depth = source.camera;
    this.view.renderer.compile(this.depth.scene, this.view.camera);
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
      const onDirty = () => this.shown === 'splat' && this.view.loop.invalidate();
      this.splats = new SplatScene(this.view.renderer, this.options.budget, onDirty);
    }
    await this.splats.load(bytes, fileName, over);
    if (over.aborted) return;
    this.splats.setScale(FOCUS / this.splats.focus);
    this.sources.splat = source;
    const camera = this.view.camera.clone();
    this.view.aim(source, camera);
    await this.splats.prepare(camera, over);
  }

  /** Shows one of the two, or nothing. */
  show(what: Shown | null): void {
    const before = this.shown;
    this.shown = what;
    window.clearTimeout(this.swayTimer);
    if (!what) {
      this.view.rig.reset(true);
      return;
    }
    const content = what === 'depth' ? this.depth : this.splats;
    const yaw = WIDEST_YAW[what] * this.trust[what];
    if (content) this.view.rig.setLimits(yaw, content.nearest / content.focus);
    if (!before) this.view.rig.reset(true);
    this.reframe();
    this.swayLater(SWAY_AFTER_SHOWING_MS);
    this.view.loop.invalidate();
  }

  orbitBy(dx: number, dy: number): void {
    this.view.rig.orbitBy(dx, dy);
    this.moved();
  }

  /** Leans to a part of the limits, -1 to 1, right and up. */
  leanTo(x: number, y: number): void {
    this.view.rig.leanTo(x, y);
    this.moved();
  }

  dollyBy(amount: number): void {
    this.view.rig.dollyBy(amount);
    this.moved();
  }

  reset(): void {
    this.view.rig.reset();
    this.moved();
  }

  setSway(on: boolean): void {
    this.sways = on;
    window.clearTimeout(this.swayTimer);
    if (on) this.swayLater(0);
    else this.view.rig.stopSway();
    this.view.loop.invalidate();
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
    this.view.stop();
    this.shown = null;
    this.depth?.dispose();
    void this.release();
  }

  private async release(): Promise<void> {
    await this.splats?.idle();
    this.splats?.dispose();
    this.view.release();
  }

  private moved(): void {
    this.swayLater(SWAY_AGAIN_AFTER_MS);
    this.view.loop.invalidate();
  }

  private swayLater(delay: number): void {
    window.clearTimeout(this.swayTimer);
    if (!this.sways) return;
    this.swayTimer = window.setTimeout(() => {
      if (!this.shown) return;
      this.view.rig.startSway();
      this.view.loop.invalidate();
    }, delay);
  }

  private resized(): void {
    this.splats?.setPixelRatio(this.view.pixelRatio);
    this.reframe();
    // At once: a resized canvas is empty until it is drawn.
    if (this.shown) this.render();
  }

  private reframe(): void {
    const source = this.shown && this.sources[this.shown];
    if (!source) return;
    this.restScale = this.view.aim(source) * this.view.pixelRatio;
    this.view.keepWithin(source);
  }

  private draw(seconds: number): boolean {
    if (!this.shown) return false;
    this.keepPace(seconds);
    const moving = this.view.rig.step(seconds);
    this.render();
    const splats = this.shown === 'splat' ? (this.splats?.count ?? 0) : 0;
    this.options.onFrame(splats, this.view.rig.lean);
    return moving;
  }

  private keepPace(seconds: number): void {
    this.slowFrames = Math.max(0, this.slowFrames + (seconds > SLOW_FRAME_S ? 1 : -1));
    if (this.slowFrames < SLOW_FRAMES || this.view.pixelRatio <= 1) return;
    this.slowFrames = 0;
    this.view.limitPixels(Math.max(1, this.view.pixelRatio - 0.5));
  }

  private render(): void {
    const content = this.shown === 'splat' ? this.splats : this.depth;
    if (!content) return;
    const source = this.sources[this.shown ?? 'depth'];
    this.view.render(content.scene, (camera) => {
      const zoom = content === this.depth ? this.depth.zoomFor(camera) : this.closer();
      const scale = this.restScale * zoom;
      if (source) this.depth?.setRestSize(source.width * scale, source.height * scale);
      return zoom;
    });
  }

  private closer(): number {
    return 1 + CLOSER * Math.min(this.view.rig.lean / CLOSER_AT, 1);
  }
}
