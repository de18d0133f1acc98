import type { Rig } from './rig';

const SWAY_AFTER_SHOWING_MS = 900;
const SWAY_AGAIN_AFTER_MS = 12_000;
/** The picture is a window: it comes nearer by this part while one leans this far, so that its edge stays beyond the frame. */
const CLOSER = 0.07;
const CLOSER_AT = 0.1;

/** How far one may lean before what was never seen shows too much, in radians. */
export const WIDEST_YAW = { depth: 0.13, splat: 0.2 };

/** How a viewer leans over a photo, by hand or by itself, whoever draws it. */
export class Leaning {
  private timer = 0;
  private isShown = false;

  /** changed: asks for a picture. */
  constructor(
    readonly rig: Rig,
    private sways: boolean,
    private readonly changed: () => void,
  ) {}

  /** By how much the lens closes in where the viewer is. */
  get zoom(): number {
    return 1 + CLOSER * Math.min(this.rig.lean / CLOSER_AT, 1);
  }

  orbitBy(dx: number, dy: number): void {
    this.rig.orbitBy(dx, dy);
    this.moved();
  }

  /** Leans to a part of the limits, -1 to 1, right and up. */
  leanTo(x: number, y: number): void {
    this.rig.leanTo(x, y);
    this.moved();
  }

  dollyBy(amount: number): void {
    this.rig.dollyBy(amount);
    this.moved();
  }

  reset(): void {
    this.rig.reset();
    this.moved();
  }

  setSway(on: boolean): void {
    this.sways = on;
    window.clearTimeout(this.timer);
    if (on) this.swayLater(0);
    else this.rig.stopSway();
    this.changed();
  }

  /** Something is seen from now on, or nothing. */
  show(isShown: boolean): void {
    this.isShown = isShown;
    window.clearTimeout(this.timer);
    if (!isShown) this.rig.reset(true);
    else this.swayLater(SWAY_AFTER_SHOWING_MS);
  }

  private moved(): void {
    this.swayLater(SWAY_AGAIN_AFTER_MS);
    this.changed();
  }

  private swayLater(delay: number): void {
    window.clearTimeout(this.timer);
    if (!this.sways) return;
    this.timer = window.setTimeout(() => {
      if (!this.isShown) return;
      this.rig.startSway();
      this.changed();
    }, delay);
  }
}
