import type { SceneCamera } from '../api/schema';
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

/** The canvas of a scene, and who stands in it; a lost device gets another canvas. */
export class Theatre {
  element = newCanvas();
  private stage: Stage | null = null;
  private losses = 0;

  /** onLost: the scene has to be shown anew; false where it was lost too often for that. */
  constructor(private readonly onLost: (isWorthTrying: boolean) => void) {}

  /** Shows it in place of what is shown, unless that is not wanted any more. Throws where it cannot be read. */
  async show(
    { role, name, bytes }: Shown,
    cameras: readonly SceneCamera[],
    signal: AbortSignal,
  ): Promise<void> {
    const { Stage } = await import('./stage');
    if (signal.aborted) return;
    const stage = this.enter(Stage, cameras);
    if (role === 'splat') await stage.show(bytes, name, signal);
    else await stage.showPoints(bytes, name, signal);
  }

  /** Shows what is seen of a tree of points. index: of its tiles. Throws where it cannot be read. */
  async showTiles(
    index: Uint8Array,
    open: OpenFile,
    cameras: readonly SceneCamera[],
    signal: AbortSignal,
  ): Promise<void> {
    const { Stage } = await import('./stage');
    if (!signal.aborted) await this.enter(Stage, cameras).showTiles(index, open, signal);
  }

  private enter(Constructor: typeof Stage, cameras: readonly SceneCamera[]): Stage {
    if (this.stage) return this.stage;
    const { element } = this;
    const drawn = ({ splats, points }: Drawn) => {
      element.dataset.splats = String(splats);
      element.dataset.points = String(points);
    };
    this.stage = new Constructor(element, drawn, () => this.lost());
    this.stage.enter(cameras);
    return this.stage;
  }

  /** What one cannot walk through; null for nothing. */
  setWalls(walls: Walls | null): void {
    this.stage?.setWalls(walls);
    this.element.toggleAttribute('data-walls', walls !== null);
  }

  /** Lets go of the device. */
  close(): void {
    this.losses = 0;
    this.leave();
    for (const name of ['splats', 'points', 'version', 'walls'])
      this.element.removeAttribute(`data-${name}`);
  }

  private leave(): void {
    this.stage?.dispose();
    this.stage = null;
  }

  private lost(): void {
    this.leave();
    const canvas = newCanvas();
    this.element.replaceWith(canvas);
    this.element = canvas;
    this.losses += 1;
    this.onLost(this.losses <= MOST_LOSSES);
  }
}

function newCanvas(): HTMLCanvasElement {
  return el('canvas', {
    class: 'scene-canvas',
    tabindex: 0,
    'aria-label': texts.scenes.canvas,
  });
}
