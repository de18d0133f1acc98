import { graphics } from '../graphics/backend';
import { openWebGpu, unlessGivenUp } from '../graphics/open';
import { hasWebGl, wantsMotion } from '../render/device';
import type { Viewport } from '../render/viewport';
import { el } from '../ui/dom';

export interface DeviceEvents {
  /** A frame was drawn: of how many splats, at what lean. */
  frame: (splats: number, lean: number) => void;
  /** The graphics device was lost: what it held is gone. */
  lost: () => void;
  /** WebGPU does not draw any more: what it drew is gone, and WebGL 2 draws it when it is asked to. */
  fallenBack: () => void;
  /** Frames come too slowly. */
  slow: () => void;
}

/** Where this device draws a photo's 3D itself: its viewport and the canvases of that, made when they are first needed. */
export class DeviceCanvas {
  viewport: Viewport | null = null;
  /** Whether there is WebGL here; null until somebody asked. */
  webgl: boolean | null = null;
  private readonly canvases: HTMLCanvasElement[] = [];
  private sways = wantsMotion();

  /** `place` puts a canvas where it is seen. */
  constructor(
    private readonly budget: number | null,
    private readonly place: (canvas: HTMLCanvasElement) => void,
    private readonly events: DeviceEvents,
  ) {
    // Asked early, so that nobody waits for the answer.
    graphics.ask();
  }

  canDraw(): boolean {
    this.webgl ??= hasWebGl();
    return this.webgl;
  }

  /** The viewport, under this name for whoever cannot see it; null where `signal` came first. */
  async open(name: string, signal: AbortSignal): Promise<Viewport | null> {
    if (this.viewport) return this.viewport;
    const canvas = this.newCanvas(name);
    const [{ Viewport }, opened] = await Promise.all([
      import('../render/viewport'),
      openWebGpu(canvas, () => this.viewport && this.events.fallenBack()),
    ]);
    if (signal.aborted) {
      opened?.surface.dispose();
      return null;
    }
    const webgpu = unlessGivenUp(opened);
    if (webgpu) this.put(canvas);
    this.viewport = new Viewport({
      webgpu,
      budget: this.budget,
      sways: this.sways,
      newCanvas: () => this.put(this.newCanvas(name)),
      onFrame: this.events.frame,
      onLost: this.events.lost,
      onSlow: this.events.slow,
    });
    return this.viewport;
  }

  /** Another name, and whether something else is seen in its place. */
  dress(name: string, isAway: boolean): void {
    for (const canvas of this.canvases) {
      canvas.classList.toggle('is-away', isAway);
      canvas.setAttribute('aria-label', name);
    }
  }

  setSway(sways: boolean): void {
    this.sways = sways;
    this.viewport?.setSway(sways);
  }

  drop(): void {
    this.viewport?.dispose();
    this.viewport = null;
    for (const canvas of this.canvases.splice(0)) canvas.remove();
  }

  private newCanvas(name: string): HTMLCanvasElement {
    return el('canvas', { class: 'deep', role: 'img', 'aria-label': name });
  }

  private put(canvas: HTMLCanvasElement): HTMLCanvasElement {
    this.canvases.push(canvas);
    this.place(canvas);
    return canvas;
  }
}
