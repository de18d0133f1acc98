import type { SourceCamera } from '../api/schema';
import { DepthScene, type DepthSource } from './depth';
import { Leaning, WIDEST_YAW } from './leaning';
import { Pace } from './pace';
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
  /** Splats are drawn less than ten times a second. */
  onSlow(): void;
}

/** So many frames slower than this, and the picture is drawn with fewer pixels from then on. */
const SLOW_FRAME_S = 0.045;
const SLOW_FRAMES = 12;
/** As many as the map has, within what devices draw with ease. */
const MOST_GRID_COLUMNS = 800;
const GRID_COLUMNS_WITH_BUDGET = 128;

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
  private readonly pace = new Pace();
  private shown: Shown | null = null;
  private readonly leaning: Leaning;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly options: ViewportOptions,
  ) {
    this.view = new View(canvas, {
      draw: (seconds) => this.draw(seconds),
      resized: () => this.resized(),
    });
    this.leaning = new Leaning(this.view.rig, options.sways, () => this.view.loop.invalidate());
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

  /** Has the code that draws splats read while their bytes come; what goes wrong is told where it is needed. */
  awaitSplats(): void {
    if (!this.splats) import('./splats').catch(() => {});
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
    this.leaning.show(what !== null);
    if (!what) return;
    const content = what === 'depth' ? this.depth : this.splats;
    const yaw = WIDEST_YAW[what] * this.trust[what];
    if (content) this.view.rig.setLimits(yaw, content.nearest / content.focus);
    if (!before) this.view.rig.reset(true);
    this.reframe();
    this.pace.reset();
    this.view.loop.invalidate();
  }

  orbitBy(dx: number, dy: number): void {
    this.leaning.orbitBy(dx, dy);
  }

  /** Leans to a part of the limits, -1 to 1, right and up. */
  leanTo(x: number, y: number): void {
    this.leaning.leanTo(x, y);
  }

  dollyBy(amount: number): void {
    this.leaning.dollyBy(amount);
  }

  reset(): void {
    this.leaning.reset();
  }

  setSway(on: boolean): void {
    this.leaning.setSway(on);
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
    this.leaning.show(false);
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
    const isSlow = this.pace.isTooSlow(seconds);
    if (isSlow && this.shown === 'splat' && this.view.pixelRatio <= 1) {
      this.pace.reset();
      this.options.onSlow();
    }
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
      const zoom = content === this.depth ? this.depth.zoomFor(camera) : this.leaning.zoom;
      const scale = this.restScale * zoom;
      if (source) this.depth?.setRestSize(source.width * scale, source.height * scale);
      return zoom;
    });
  }
}
