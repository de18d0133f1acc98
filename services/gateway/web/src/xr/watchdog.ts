/** What is given up, one after the other, so that frames keep coming. */
export interface Effort {
  /** 0 to 1: how much coarser the edge of what one sees is drawn. */
  foveation: number;
  /** Of the pixels across and up that the headset asks for. */
  viewport: number;
  /** Of the splats that the device is good for. */
  splats: number;
}

export const EFFORTS: readonly Effort[] = [
  { foveation: 0.3, viewport: 1, splats: 1 },
  { foveation: 0.7, viewport: 1, splats: 1 },
  { foveation: 1, viewport: 0.85, splats: 1 },
  { foveation: 1, viewport: 0.8, splats: 0.5 },
  { foveation: 1, viewport: 0.65, splats: 0.25 },
];

const WINDOW = 10;
/** So many late frames of a window, and something is given up. */
const LATE_FRAMES = 3;
const LATE = 1.4;
/** A frame that takes this part of its time to be told has no room left for anything. */
const FULL = 0.75;
/** What was given up needs this long to help. */
const SETTLE_FRAMES = 60;
/** Slower than this for this long, and splats are left for the flat picture: a headset that stands still makes ill. */
const HOPELESS_HZ = 12;
const HOPELESS_FRAMES = 36;

export type Verdict = 'lower' | 'flat' | null;

/** Watches how long frames take, and says when to ask less of the device: before frames are dropped, where it can be told. */
export class Watchdog {
  step = 0;
  private frames: { late: boolean; full: boolean }[] = [];
  private settling = SETTLE_FRAMES;
  private hopeless = 0;

  constructor(private hz = 72) {}

  get effort(): Effort {
    return EFFORTS[this.step] as Effort;
  }

  setRate(hz: number): void {
    this.hz = hz;
  }

  /** Another photo is shown: what it takes is not known yet, what was given up stays so. */
  settle(): void {
    this.settling = SETTLE_FRAMES;
    this.frames = [];
    this.hopeless = 0;
  }

  /** One frame: seconds since the one before, and those that it took to be told to the device. */
  frame(since: number, busy: number): Verdict {
    this.hopeless = since > 1 / HOPELESS_HZ ? this.hopeless + 1 : 0;
    if (this.settling > 0) {
      this.settling -= 1;
      return null;
    }
    if (this.hopeless >= HOPELESS_FRAMES && this.step === EFFORTS.length - 1) {
      this.settle();
      return 'flat';
    }
    this.frames.push({ late: since > LATE / this.hz, full: busy > FULL / this.hz });
    if (this.frames.length < WINDOW) return null;
    const late = this.frames.filter((frame) => frame.late).length;
    const full = this.frames.filter((frame) => frame.full).length;
    this.frames.shift();
    if (late < LATE_FRAMES && full < WINDOW) return null;
    if (this.step === EFFORTS.length - 1) return null;
    this.step += 1;
    this.settle();
    return 'lower';
  }
}
