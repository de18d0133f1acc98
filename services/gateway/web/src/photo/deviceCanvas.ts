import { hasWebGl, wantsMotion } from '../render/device';
import type { Viewport } from '../render/viewport';
import { el } from '../ui/dom';

export interface DeviceEvents {
  /** A frame was drawn: of how many splats, at what lean. */
  frame: (splats: number, lean: number) => void;
  /** The graphics device was lost: what it held is gone. */
  lost: () => void;
  /** Frames come too slowly. */
  slow: () => void;
}

/** Where this device draws a photo's 3D itself: a canvas with its viewport, made when it is first needed. */
export class DeviceCanvas {
  viewport: Viewport | null = null;
  /** Whether there is WebGL here; null until somebody asked. */
  webgl: boolean | null = null;
  private canvas: HTMLCanvasElement | null = null;
  private sways = wantsMotion();

  /** `place` puts the canvas where it is seen. */
  constructor(
    private readonly budget: number | null,
    private readonly place: (canvas: HTMLCanvasElement) => void,
    private readonly events: DeviceEvents,
  ) {}

  canDraw(): boolean {
    this.webgl ??= hasWebGl();
    return this.webgl;
  }

  /** The viewport, under this name for whoever cannot see it; null where `signal` came first. */
  async open(name: string, signal: AbortSignal): Promise<Viewport | null> {
    if (this.viewport) return this.viewport;
    const { Viewport } = await import('../render/viewport');
    if (signal.aborted) return null;
    const canvas = el('canvas', { class: 'deep', role: 'img', 'aria-label': name });
    this.canvas = canvas;
    this.place(canvas);
    this.viewport = new Viewport(canvas, {
      budget: this.budget,
      sways: this.sways,
      onFrame: this.events.frame,
      onLost: this.events.lost,
      onSlow: this.events.slow,
    });
    return this.viewport;
  }

  /** Another name, and whether something else is seen in its place. */
  dress(name: string, isAway: boolean): void {
    this.canvas?.classList.toggle('is-away', isAway);
    this.canvas?.setAttribute('aria-label', name);
  }

  setSway(sways: boolean): void {
    this.sways = sways;
    this.viewport?.setSway(sways);
  }

  drop(): void {
    this.viewport?.dispose();
    this.viewport = null;
    this.canvas?.remove();
    this.canvas = null;
  }
}
