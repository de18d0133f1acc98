import { budgetOf, hasWebGl } from '../render/device';
import type { FilmViewport } from '../render/filmViewport';
import { el } from '../ui/dom';
import type { Film } from './film';

const FIRST_FRAME_MS = 1500;

interface WindowEvents {
  /** A frame was drawn: the moment of the film that it shows, in seconds. */
  drawn(moment: number): void;
  lost(): void;
}

/** The picture with depth over a stage: made when it is first needed, and how one looks into it. */
export class DepthWindow {
  private canvas: HTMLCanvasElement | null = null;
  private viewport: FilmViewport | null = null;
  private coming: Film | null = null;
  private shown = false;
  private onDrawn: () => void = () => {};

  constructor(
    private readonly stage: HTMLElement,
    private readonly events: WindowEvents,
  ) {}

  /** Draws this film from now on; false where this browser cannot. */
  async take(
    film: Film,
    how: { label: string; sways: boolean; strength: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!this.viewport && !hasWebGl()) return false;
    this.coming = film;
    const { FilmViewport } = await import('../render/filmViewport');
    if (signal.aborted || film !== this.coming) return true;
    if (!this.viewport) {
      this.canvas = el('canvas', { class: 'deep', role: 'img' });
      this.stage.append(this.canvas);
      this.viewport = new FilmViewport(this.canvas, {
        coarse: budgetOf(location.search) !== null,
        sways: how.sways,
        onFrame: (moment) => {
          this.events.drawn(moment);
          this.onDrawn();
        },
        onLost: () => {
          this.dispose();
          this.events.lost();
        },
      });
      this.viewport.setStrength(how.strength);
    }
    this.canvas?.setAttribute('aria-label', how.label);
    this.viewport.setFilm(film.element, film.layout);
    return true;
  }

  /** Until the frame that is there is drawn, or it is clear that it will not be. */
  drawn(): Promise<void> {
    return new Promise((resolve) => {
      const timer = window.setTimeout(resolve, FIRST_FRAME_MS);
      this.onDrawn = () => {
        window.clearTimeout(timer);
        this.onDrawn = () => {};
        resolve();
      };
      this.viewport?.refresh();
    });
  }

  /** Waits for what was drawn to be there. */
  finish(): void {
    this.viewport?.finish();
  }

  show(shown: boolean): void {
    this.shown = shown;
    this.viewport?.show(shown);
  }

  setStrength(strength: number): void {
    this.viewport?.setStrength(strength);
  }

  setSway(on: boolean): void {
    this.viewport?.setSway(on);
  }

  orbitBy(dx: number, dy: number): void {
    if (this.shown) this.viewport?.orbitBy(dx, dy);
  }

  dollyBy(amount: number): void {
    if (this.shown) this.viewport?.dollyBy(amount);
  }

  reset(): void {
    if (this.shown) this.viewport?.reset();
  }

  /** Lets go of the film. */
  clear(): void {
    this.coming = null;
    this.viewport?.clear();
  }

  dispose(): void {
    this.viewport?.dispose();
    this.viewport = null;
    this.canvas?.remove();
    this.canvas = null;
  }
}
