import type { SceneCamera } from '../api/schema';
import { type Backend, graphics } from '../graphics/backend';
import { openWebGpu } from '../graphics/open';
import { texts } from '../texts';
import { el } from '../ui/dom';
import type { Drawn, Stage } from './stage';
import type { OpenFile } from './tiled';
import type { Walls } from './walls';

/** A device that is lost more often than this is left alone. */
const MOST_LOSSES = 2;

/** A splat or points, as they are in their file. */
export interface Shown {
  role: string;
  name: string;
  bytes: Uint8Array;
}

export interface TheatreEvents {
  /** A frame was drawn. */
  drawn(drawn: Drawn & { backend: Backend }): void;
  /** The scene has to be shown anew; false where the device was lost too often for that. */
  lost(isWorthTrying: boolean): void;
}

/** The canvas of a scene, and who stands in it; a lost device, and another way of drawing, get another canvas. */
export class Theatre {
  element = newCanvas();
  private stage: Stage | null = null;
  private losses = 0;

  constructor(private readonly events: TheatreEvents) {}

  /** Shows it in place of what is shown, unless that is not wanted any more. Throws where it cannot be read. */
  async show(
    { role, name, bytes }: Shown,
    cameras: readonly SceneCamera[],
    signal: AbortSignal,
  ): Promise<void> {
    const stage = await this.enter(role === 'splat' ? 'splats' : 'points', cameras, signal);
    if (role === 'splat') await stage?.show(bytes, name, signal);
    else await stage?.showPoints(bytes, name, signal);
  }

  /** Shows what is seen of a tree of points. index: of its tiles. Throws where it cannot be read. */
  async showTiles(
    index: Uint8Array,
    open: OpenFile,
    cameras: readonly SceneCamera[],
    signal: AbortSignal,
  ): Promise<void> {
    const stage = await this.enter('points', cameras, signal);
    await stage?.showTiles(index, open, signal);
  }

  /** A stage on which these can be drawn, in place of another one; null where that is not wanted any more. */
  private async enter(
    what: 'splats' | 'points',
    cameras: readonly SceneCamera[],
    signal: AbortSignal,
  ): Promise<Stage | null> {
    const [{ Stage }, { openWebGl }] = await Promise.all([
      import('./stage'),
      import('../graphics/webgl'),
    ]);
    const { backend } = what === 'points' ? await graphics.choose() : { backend: 'webgl2' };
    if (signal.aborted) return null;
    if (this.stage?.backend === backend) return this.stage;
    const canvas = newCanvas();
    const webgpu =
      backend === 'webgpu'
        ? await openWebGpu(canvas, () => this.element === canvas && this.startAnew(true))
        : null;
    if (signal.aborted) {
      webgpu?.surface.dispose();
      return null;
    }
    if (!webgpu && this.stage?.backend === 'webgl2') return this.stage;
    this.leave(webgpu ? canvas : newCanvas());
    const drawing = webgpu ?? openWebGl(this.element, () => this.lost());
    this.stage = new Stage(drawing, (drawn) =>
      this.tell({ ...drawn, backend: drawing.surface.backend }),
    );
    this.stage.enter(cameras);
    return this.stage;
  }

  private tell(drawn: Drawn & { backend: Backend }): void {
    this.element.dataset.splats = String(drawn.splats);
    this.element.dataset.points = String(drawn.points);
    this.events.drawn(drawn);
  }

  /** What one cannot walk through; null for nothing. */
  setWalls(walls: Walls | null): void {
    this.stage?.setWalls(walls);
    this.element.toggleAttribute('data-walls', walls !== null);
  }

  /** Lets go of the device. */
  close(): void {
    this.losses = 0;
    if (this.stage) this.leave(newCanvas());
  }

  /** Lets go of the device and of its canvas, in whose place another one comes. */
  private leave(canvas: HTMLCanvasElement): void {
    this.stage?.dispose();
    this.stage = null;
    const isFocused = document.activeElement === this.element;
    this.element.replaceWith(canvas);
    this.element = canvas;
    if (isFocused) canvas.focus();
  }

  private lost(): void {
    this.losses += 1;
    this.startAnew(this.losses <= MOST_LOSSES);
  }

  private startAnew(isWorthTrying: boolean): void {
    this.leave(newCanvas());
    this.events.lost(isWorthTrying);
  }
}

function newCanvas(): HTMLCanvasElement {
  return el('canvas', {
    class: 'scene-canvas',
    tabindex: 0,
    'aria-label': texts.scenes.canvas,
  });
}
