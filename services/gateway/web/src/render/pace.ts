/** A frame that takes longer is slow: fewer than ten a second. */
const SLOW_S = 0.1;
/** So many of them more than of others, and this device does not keep up. */
const MANY = 12;

/** Tells when a device does not keep up. */
export class Pace {
  private slow = 0;

  /** Takes in how long a frame took, 0 for the first of a movement; true once they are slow. */
  isTooSlow(seconds: number): boolean {
    if (seconds > 0) this.slow = Math.max(0, this.slow + (seconds > SLOW_S ? 1 : -1));
    return this.slow >= MANY;
  }

  reset(): void {
    this.slow = 0;
  }
}
