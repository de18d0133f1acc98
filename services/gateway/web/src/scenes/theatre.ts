import type { SceneCamera } from '../api/schema';
import { type Backend, graphics } from '../graphics/backend';
import { openWebGpu, unlessGivenUp } from '../graphics/open';
import type { Drawing } from '../graphics/surface';
import { texts } from '../texts';
import { el } from '../ui/dom';
import type { Drawn, Stage } from './stage';
import type { OpenFile } from './tiled';
import type { Stance } from './walk';
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
  /** Of the stage that is coming in place of this one. */
  private coming: HTMLCanvasElement | null = null;
  /** Where one stood in this scene before the device was lost. */
  private stood: Stance | null = null;
  private losses = 0;

  constructor(private readonly events: TheatreEvents) {}

  /** Shows it in place of what is shown, unless that is not wanted any more. Throws where it cannot be read. */
  async show(
    { role, name, bytes }: Shown,
    cameras: readonly SceneCamera[],
    signal: AbortSignal,
  ): Promise<void> {
    if (role === 'splat')
      await this.fill('splats', cameras, signal, (stage) => stage.show(bytes, name, signal));
    else
      await this.fill('points', cameras, signal, (stage) => stage.showPoints(bytes, name, signal));
  }

  /** Shows what is seen of a tree of points. index: of its tiles. Throws where it cannot be read. */
  async showTiles(
    index: Uint8Array,
    open: OpenFile,
    cameras: readonly SceneCamera[],
    signal: AbortSignal,
  ): Promise<void> {
    await this.fill('points', cameras, signal, (stage) => stage.showTiles(index, open, signal));
  }

  /** Fills the stage, or one on which these can be drawn, which takes its place once it is filled. */
  private async fill(
    what: 'splats' | 'points',
    cameras: readonly SceneCamera[],
    signal: AbortSignal,
    show: (stage: Stage) => Promise<void>,
  ): Promise<void> {
    const [{ Stage }, { openWebGl }] = await Promise.all([
      import('./stage'),
      import('../graphics/webgl'),
    ]);
    const { backend } = what === 'points' ? await graphics.choose() : { backend: 'webgl2' };
    if (signal.aborted) return;
    if (this.stage?.backend === backend) return show(this.stage);
    const opened = backend === 'webgpu' ? await this.byWebGpu() : null;
    if (signal.aborted) return opened?.surface.dispose();
    const webgpu = unlessGivenUp(opened);
    if (!webgpu && this.stage?.backend === 'webgl2') return show(this.stage);
    const canvas = newCanvas();
    const drawing = webgpu ?? openWebGl(canvas, () => this.has(canvas) && this.lost());
    const stage: Stage = new Stage(
      drawing,
      () => this.element,
      (drawn) => stage === this.stage && this.tell({ ...drawn, backend: stage.backend }),
    );
    stage.enter(cameras, this.stage?.stance ?? this.stood);
    await this.change(stage, show, signal);
  }

  private byWebGpu(): Promise<Drawing | null> {
    const canvas = newCanvas();
    return openWebGpu(canvas, () => this.has(canvas) && this.startAnew(true));
  }

  /** Fills a stage, which takes the place of the one that is here, and the stance of whoever stands there. */
  private async change(
    stage: Stage,
    show: (stage: Stage) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { canvas } = stage;
    let isFilled = false;
    this.coming = canvas;
    try {
      await show(stage);
      isFilled = this.coming === canvas && !signal.aborted;
    } finally {
      if (this.coming === canvas) this.coming = null;
      if (!isFilled) stage.dispose();
    }
    if (!isFilled) return;
    if (this.stage) stage.stance = this.stage.stance;
    this.leave(canvas);
    this.stage = stage;
  }

  /** Whether this canvas is the one that is seen, or the one that is coming; of others nothing is heard. */
  private has(canvas: HTMLCanvasElement): boolean {
    return canvas === this.element || canvas === this.coming;
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
    this.coming = null;
    this.stood = null;
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
    this.coming = null;
    this.stood = this.stage?.stance ?? this.stood;
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
