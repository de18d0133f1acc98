import type { Figures } from '../remote/view';
import { el } from '../ui/dom';
import type { Drawers } from './drawers';
import type { FlatPicture } from './flat';
import type { Mode } from './modes';
import { Seen } from './seen';

/** How the last picture came about. there: what the server told of its own. */
export interface Drawn {
  splats: number;
  there: Figures | null;
}

/** What is seen of a photo: itself, or what is drawn over it, by whom; said of the page too, for styles and whoever waits. */
export class Sight {
  mode: Mode = 'flat';
  private readonly seen: Seen;

  constructor(
    stage: HTMLElement,
    private readonly flat: FlatPicture,
    private readonly drawers: Drawers,
  ) {
    this.seen = new Seen(stage);
  }

  /** Shows this instead. name: for whoever cannot see it; seconds: that what was drawn before takes to fade. */
  show(mode: Mode, isThere: boolean, name: string, seconds: number): void {
    this.mode = mode;
    if (mode !== 'flat') this.flat.resetZoom();
    const { dataset } = document.body;
    dataset.mode = mode;
    if (mode !== 'splat') delete dataset.splats;
    dataset.drawn = isThere ? 'server' : 'device';
    this.drawers.show({ mode, isThere, name }, this.seen.part, seconds);
    this.seen.fade(mode !== 'flat', false);
  }

  /** A picture was drawn. */
  take({ splats }: Drawn, lean: number): void {
    this.seen.lean(this.mode === 'flat' ? 0 : lean);
    const { dataset } = document.body;
    dataset.frames = String(Number(dataset.frames ?? 0) + 1);
    if (this.mode === 'splat') dataset.splats = String(splats);
  }

  /** A copy of it, alone. */
  picture(): HTMLCanvasElement {
    const canvas = el('canvas');
    const isDeep = this.mode !== 'flat' && this.seen.part > 0;
    if (isDeep) this.drawers.copyTo(canvas);
    else this.flat.copyTo(canvas);
    return canvas;
  }

  /** The photo is left: at once nothing drawn is seen any more. */
  leave(): void {
    this.seen.fade(false, true);
    delete document.body.dataset.splats;
    delete document.body.dataset.pixels;
  }

  /** No photo is seen at all. */
  close(): void {
    this.mode = 'flat';
    delete document.body.dataset.mode;
  }
}
