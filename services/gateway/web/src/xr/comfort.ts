import { radians } from './angles';

export const SNAP = radians(30);
const PRESSED = 0.7;
const RELEASED = 0.35;
const DEAD = 0.15;

/** One step for each push of a thumbstick, however long it is held. */
export class Flick {
  private ready = true;

  /** -1, 0 or 1. */
  take(value: number): -1 | 0 | 1 {
    if (Math.abs(value) < RELEASED) this.ready = true;
    if (!this.ready || Math.abs(value) < PRESSED) return 0;
    this.ready = false;
    return value > 0 ? 1 : -1;
  }
}

/** How far a stick is pushed beyond where it rests by itself: -1 to 1. */
export function pushed(value: number): number {
  const size = Math.abs(value);
  if (size < DEAD) return 0;
  return (Math.sign(value) * (size - DEAD)) / (1 - DEAD);
}

const VIGNETTE_IN_S = 0.12;
const VIGNETTE_OUT_S = 0.35;

/** How dark the edge of what one sees is while one is moved: it comes fast, and goes slowly. */
export class Vignette {
  amount = 0;

  step(moving: boolean, seconds: number): number {
    const time = moving ? VIGNETTE_IN_S : VIGNETTE_OUT_S;
    const wanted = moving ? 1 : 0;
    const next = wanted + (this.amount - wanted) * Math.exp(-seconds / time);
    this.amount = Math.abs(next - wanted) < 0.01 ? wanted : next;
    return this.amount;
  }
}
