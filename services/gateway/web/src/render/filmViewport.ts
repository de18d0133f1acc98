import type { RgbdLayout } from '../api/schema';
import { WebGlSurface } from '../graphics/webgl';
import { FilmScene } from './film';
import { FOCUS, View } from './view';

export interface FilmViewportOptions {
  /** Draws a coarser grid, for weak devices and software rendering. */
  coarse: boolean;
  /** The idle motion: whether it may run at all. */
  sways: boolean;
  /** A frame was drawn: the moment of the film that it shows, in seconds. */
  onFrame(moment: number): void;
  onLost(): void;
}

const COLUMNS = 320;
const COLUMNS_COARSE = 96;
/** How far one may lean before what was never seen shows too much, in radians. */
const WIDEST_YAW = 0.06;

/** One WebGL canvas that shows a film with depth: each frame as it comes, from where the viewer leans to. */
export class FilmViewport {
  private readonly view: View<WebGlSurface>;
  private scene: FilmScene | null = null;
  private film: HTMLVideoElement | null = null;
  private waiting = 0;
  private moment = 0;
  private strength = 1;
  /** Device pixels per pixel of the film, at rest. */
  private restScale = 1;
  private shown = false;
  private sways: boolean;

  constructor(
    canvas: HTMLCanvasElement,
    private readonly options: FilmViewportOptions,
  ) {
    this.sways = options.sways;
    this.view = new View(new WebGlSurface(canvas, () => options.onLost()), {
      draw: (seconds) => this.draw(seconds),
      resized: () => this.resized(),
    });
  }

  /** Draws this film from now on. */
  setFilm(film: HTMLVideoElement, layout: RgbdLayout): void {
    this.clear();
    this.scene = new FilmScene(film, layout, this.options.coarse ? COLUMNS_COARSE : COLUMNS);
    this.scene.setScale(FOCUS / this.scene.focus);
    this.scene.setStrength(this.strength);
    this.view.rig.setLimits(WIDEST_YAW, this.scene.nearest / this.scene.focus);
    this.film = film;
    this.follow(film);
    this.reframe();
  }

  /** Draws the frame that the film has now. */
  refresh(): void {
    this.scene?.refresh();
    this.view.loop.invalidate();
  }

  /** Waits for what was drawn to be there: until then nothing may be taken away for it. */
  finish(): void {
    const gl = this.view.surface.renderer.getContext();
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  show(shown: boolean): void {
    if (shown === this.shown) return;
    this.shown = shown;
    this.view.rig.reset(true);
    if (!shown) return;
    this.sway();
    this.view.loop.invalidate();
  }

  setStrength(strength: number): void {
    this.strength = strength;
    this.scene?.setStrength(strength);
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

  setSway(on: boolean): void {
    this.sways = on;
    if (on) this.sway();
    else this.view.rig.stopSway();
    this.view.loop.invalidate();
  }

  clear(): void {
    this.film?.cancelVideoFrameCallback?.(this.waiting);
    this.film = null;
    this.scene?.dispose();
    this.scene = null;
  }

  dispose(): void {
    this.shown = false;
    this.view.stop();
    this.clear();
    this.view.release();
  }

  /** A frame is drawn when the browser has it, and is known by the moment the browser says it is of. */
  private follow(film: HTMLVideoElement): void {
    const next = () => {
      this.waiting = film.requestVideoFrameCallback((_, { mediaTime }) => {
        if (this.film !== film) return;
        this.moment = mediaTime;
        this.view.loop.invalidate();
        next();
      });
    };
    next();
  }

  private sway(): void {
    if (this.sways && this.shown) this.view.rig.startSway();
  }

  private resized(): void {
    this.reframe();
    // At once: a resized canvas is empty until it is drawn.
    if (this.shown) this.render();
  }

  private reframe(): void {
    if (!this.scene) return;
    const { camera } = this.scene;
    this.restScale = this.view.aim(camera) * this.view.pixelRatio;
    this.view.keepWithin(camera);
  }

  private draw(seconds: number): boolean {
    if (!this.scene) return false;
    const moving = this.shown && this.view.rig.step(seconds);
    this.render();
    this.options.onFrame(this.moment);
    // While the film plays, the motion goes on; once it stands still, so does the view.
    if (!moving && this.film && !this.film.paused) this.sway();
    return moving;
  }

  private render(): void {
    const { scene } = this;
    if (!scene) return;
    this.view.render(scene.scene, (seenBy) => {
      const zoom = scene.zoomFor(seenBy);
      const { width, height } = scene.camera;
      scene.setRestSize(width * this.restScale * zoom, height * this.restScale * zoom);
      return zoom;
    });
  }
}
