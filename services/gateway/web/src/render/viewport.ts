import type { SourceCamera } from '../api/schema';
import type { Drawing, Surface } from '../graphics/surface';
import { WebGlSurface } from '../graphics/webgl';
import { DepthScene, type DepthSource } from './depth';
import { Leaning, WIDEST_YAW } from './leaning';
import { Pace } from './pace';
import { type Leant, Rig } from './rig';
import type { SplatScene } from './splats';
import { FOCUS, View } from './view';

export type Shown = 'depth' | 'splat';

export interface ViewportOptions {
  /** What draws depth by WebGPU; null where WebGL 2 draws it too. */
  webgpu: Drawing | null;
  /** At most this many splats, or null for as many as the device is good for. */
  budget: number | null;
  /** The idle motion: whether it may run at all. */
  sways: boolean;
  /** A canvas where the photo is seen, for WebGL 2. */
  newCanvas(): HTMLCanvasElement;
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

/** A photo as depth layers or as splats: on one canvas of WebGL 2, or the layers on one of WebGPU that lies over it. */
export class Viewport {
  private readonly rig = new Rig();
  private readonly leaning: Leaning;
  private readonly abort = new AbortController();
  private readonly sources: Partial<Record<Shown, SourceCamera>> = {};
  private readonly trust: Record<Shown, number> = { depth: 1, splat: 1 };
  private readonly layered: View<Surface> | null;
  private webgl: View<WebGlSurface> | null = null;
  private depth: DepthScene | null = null;
  private restScale = 1;
  private splats: SplatScene | null = null;
  private slowFrames = 0;
  private readonly pace = new Pace();
  private shown: Shown | null = null;

  constructor(private readonly options: ViewportOptions) {
    const { webgpu, sways } = options;
    this.layered = webgpu && this.viewOn(webgpu.surface);
    this.leaning = new Leaning(this.rig, sways, () => this.view?.loop.invalidate());
  }

  /** How much of the usual lean what is shown bears, by how well its depth is known: 0 to 1. */
  setTrust(what: Shown, trust: number): void {
    this.trust[what] = trust;
  }

  /** Has the layers of a photo ready. */
  async setDepth(source: DepthSource): Promise<void> {
    this.depth?.dispose();
    const columns = this.options.budget
      ? GRID_COLUMNS_WITH_BUDGET
      : Math.min(source.disparity.naturalWidth, MOST_GRID_COLUMNS);
    const { surface, camera } = this.layered ?? this.openWebGl();
    const { webgpu } = this.options;
    const depth = new DepthScene(source, columns, surface.maxAnisotropy, webgpu?.layerOf);
    this.depth = depth;
    depth.setScale(FOCUS / depth.focus);
    this.sources.depth = source.camera;
    await surface.prepare(depth.scene, camera);
    // What it was forgotten in the middle of made more to forget.
    if (this.depth !== depth) depth.dispose();
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
    const view = this.openWebGl();
    if (!this.splats) {
      const { SplatScene } = await import('./splats');
      if (over.aborted) return;
      const onDirty = () => this.shown === 'splat' && view.loop.invalidate();
      this.splats = new SplatScene(view.surface.renderer, this.options.budget, onDirty);
    }
    await this.splats.load(bytes, fileName, over);
    if (over.aborted) return;
    this.splats.setScale(FOCUS / this.splats.focus);
    this.sources.splat = source;
    const camera = view.camera.clone();
    view.aim(source, camera);
    await this.splats.prepare(camera, over);
  }

  /** Where the viewer is. */
  get leant(): Leant {
    return this.rig.leant;
  }

  /** Shows one of the two, or nothing. from: where the viewer was when something else drew; null for at rest. */
  show(what: Shown | null, from: Leant | null = null): void {
    const before = this.shown;
    this.shown = what;
    this.leaning.show(what !== null);
    if (!what) return;
    const content = what === 'depth' ? this.depth : this.splats;
    const yaw = WIDEST_YAW[what] * this.trust[what];
    if (content) this.rig.setLimits(yaw, content.nearest / content.focus);
    if (!before) this.rig.reset(true);
    if (!before && from) this.rig.stand(from);
    this.reframe();
    this.pace.reset();
    this.turnTo();
    this.view?.loop.invalidate();
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
    const canvas = this.view?.surface.canvas;
    if (!canvas) return;
    this.render();
    target.width = canvas.width;
    target.height = canvas.height;
    target.getContext('2d')?.drawImage(canvas, 0, 0);
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
    this.shown = null;
    for (const view of this.views) view.stop();
    this.depth?.dispose();
    void this.release();
  }

  private async release(): Promise<void> {
    this.layered?.release();
    await this.splats?.idle();
    this.splats?.dispose();
    this.webgl?.release();
  }

  private get views(): View<Surface>[] {
    return [this.layered, this.webgl].filter((view) => view !== null);
  }

  /** Where what is shown is drawn. */
  private get view(): View<Surface> | null {
    if (!this.shown) return null;
    return (this.shown === 'depth' && this.layered) || this.webgl;
  }

  private openWebGl(): View<WebGlSurface> {
    this.webgl ??= this.viewOn(
      new WebGlSurface(this.options.newCanvas(), () => {
        // Once let go of, its end is nobody's loss.
        if (!this.abort.signal.aborted) this.options.onLost();
      }),
    );
    return this.webgl;
  }

  private viewOn<S extends Surface>(surface: S): View<S> {
    const view: View<S> = new View(
      surface,
      {
        draw: (seconds) => view === this.view && this.draw(seconds),
        resized: () => this.resized(view),
      },
      this.rig,
    );
    return view;
  }

  /** Of two canvases, which lie over one another, the one of what is shown is seen: with its picture, or it would blink. */
  private turnTo(): void {
    const behind = this.views.filter((view) => view !== this.view);
    if (behind.length) this.render();
    this.view?.surface.canvas.classList.remove('is-behind');
    for (const { surface } of behind) surface.canvas.classList.add('is-behind');
  }

  private resized(view: View<Surface>): void {
    if (view === this.webgl) this.splats?.setPixelRatio(view.pixelRatio);
    if (view !== this.view) return;
    this.reframe();
    // At once: a resized canvas is empty until it is drawn.
    this.render();
  }

  private reframe(): void {
    const { view } = this;
    const source = this.shown && this.sources[this.shown];
    if (!source || !view) return;
    this.restScale = view.aim(source) * view.pixelRatio;
    view.keepWithin(source);
  }

  private draw(seconds: number): boolean {
    this.keepPace(seconds);
    const moving = this.rig.step(seconds);
    this.render();
    const splats = this.shown === 'splat' ? (this.splats?.count ?? 0) : 0;
    this.options.onFrame(splats, this.rig.lean);
    return moving;
  }

  private keepPace(seconds: number): void {
    const ratio = this.view?.pixelRatio ?? 1;
    const isSlow = this.pace.isTooSlow(seconds);
    if (isSlow && this.shown === 'splat' && ratio <= 1) {
      this.pace.reset();
      this.options.onSlow();
    }
    this.slowFrames = Math.max(0, this.slowFrames + (seconds > SLOW_FRAME_S ? 1 : -1));
    if (this.slowFrames < SLOW_FRAMES || ratio <= 1) return;
    this.slowFrames = 0;
    this.view?.limitPixels(Math.max(1, ratio - 0.5));
  }

  private render(): void {
    const content = this.shown === 'splat' ? this.splats : this.depth;
    if (!content) return;
    const source = this.sources[this.shown ?? 'depth'];
    this.view?.render(content.scene, (camera) => {
      const zoom = content === this.depth ? this.depth.zoomFor(camera) : this.leaning.zoom;
      const scale = this.restScale * zoom;
      if (source) this.depth?.setRestSize(source.width * scale, source.height * scale);
      return zoom;
    });
  }
}
