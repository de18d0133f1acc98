/**
 * The camera of a viewer who stands where the photographer stood and may lean a little.
 * Lengths are in units of the distance to what the camera turns around, at (0, 0, -1).
 */

const PITCH_PER_YAW = 0.65;
const DOLLY_BACK = -0.3;
const DOLLY_CLOSER = 0.45;
/** Never closer to the nearest content than this part of the way. */
const NEAREST_APPROACH = 0.7;
const RADIANS_PER_VIEW = 0.55;
const SMOOTHING_S = 0.085;
const SETTLED = 1e-4;
const LONGEST_STEP_S = 0.1;

const SWAY_YAW = 0.034;
const SWAY_PITCH_PER_YAW = 0.33;
/** How far the nearest content may pass before the turning point, in focal lengths. */
const PARALLAX_LIMIT = 0.18;
const SWAY_PARALLAX = 0.05;
const SWAY_PERIOD_S = 9;
const SWAY_CYCLES = 3;
const SWAY_FADE_IN_S = 2.5;
const SWAY_FADE_OUT_S = 0.35;

interface Lean {
  yaw: number;
  pitch: number;
  dolly: number;
}

/** Where a viewer is, and where to they are pulled and come closer. */
export interface Leant {
  now: Lean;
  pull: Lean;
}

export interface Position {
  x: number;
  y: number;
  z: number;
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/** Up to this part of a limit a lean follows the hand; beyond, it yields less and less. */
const FREE = 0.6;
/** Dragging further than this many limits changes nothing. */
const MOST_PULL = 2;

/** How much of a limit a pull comes to; both as parts of the limit. */
function yielding(pull: number): number {
  const [size, side] = [Math.abs(pull), Math.sign(pull)];
  if (size <= FREE) return pull;
  return side * (FREE + (1 - FREE) * (1 - Math.exp(-(size - FREE) / (1 - FREE))));
}

/** The pull that comes to this much of a limit. */
function pullOf(part: number): number {
  const [size, side] = [Math.abs(part), Math.sign(part)];
  if (size <= FREE) return part;
  const pull = FREE - (1 - FREE) * Math.log(1 - (size - FREE) / (1 - FREE));
  return side * Math.min(pull, MOST_PULL);
}

/** How far a pull leans; nowhere where one may not lean at all. */
const leaning = (pull: number, limit: number): number =>
  limit > 0 ? limit * yielding(pull / limit) : 0;

export class Rig {
  private readonly now: Lean = { yaw: 0, pitch: 0, dolly: 0 };
  private readonly goal: Lean = { yaw: 0, pitch: 0, dolly: 0 };
  /** How far was dragged, of which the last part yields less and less. */
  private readonly pull = { yaw: 0, pitch: 0 };
  private closest = DOLLY_CLOSER;
  private widest = 0.2;
  private swayYaw = SWAY_YAW;
  private phase = 0;
  private level = 0;
  private swaying = false;

  /**
   * Sets how far one may lean, in radians, and how near the nearest content is. What is near
   * passes before what is far: the nearer it is, the less leaning shows more than was ever seen.
   */
  setLimits(yaw: number, nearest: number): void {
    const parallaxPerYaw = Math.max(1 / nearest - 1, 0.1);
    this.widest = Math.min(yaw, PARALLAX_LIMIT / parallaxPerYaw);
    this.swayYaw = Math.min(SWAY_YAW, SWAY_PARALLAX / parallaxPerYaw);
    this.closest = Math.min(DOLLY_CLOSER, nearest * NEAREST_APPROACH);
    this.dollyBy(0);
    this.orbitBy(0, 0);
  }

  /** Leans by a drag of this part of the view's width (right and down are positive). */
  orbitBy(dx: number, dy: number): void {
    this.stopSway();
    const yaw = this.widest;
    const pitch = yaw * PITCH_PER_YAW;
    this.pull.yaw = clamp(this.pull.yaw - dx * RADIANS_PER_VIEW, -MOST_PULL * yaw, MOST_PULL * yaw);
    this.pull.pitch = clamp(
      this.pull.pitch + dy * RADIANS_PER_VIEW,
      -MOST_PULL * pitch,
      MOST_PULL * pitch,
    );
    this.goal.yaw = leaning(this.pull.yaw, yaw);
    this.goal.pitch = leaning(this.pull.pitch, pitch);
  }

  /** Leans to a part of the limits, -1 to 1, right and up. */
  leanTo(x: number, y: number): void {
    this.stopSway();
    const [right, up] = [clamp(x, -1, 1), clamp(y, -1, 1)];
    const [yaw, pitch] = [this.widest, this.widest * PITCH_PER_YAW];
    Object.assign(this.goal, { yaw: yaw * right, pitch: pitch * up });
    Object.assign(this.pull, { yaw: yaw * pullOf(right), pitch: pitch * pullOf(up) });
  }

  /** Moves closer by this part of the turning distance; negative moves back. */
  dollyBy(amount: number): void {
    this.stopSway();
    this.goal.dolly = clamp(this.goal.dolly + amount, DOLLY_BACK, this.closest);
  }

  /** Goes back to where the photographer stood; at once, or smoothly. */
  reset(immediately = false): void {
    Object.assign(this.goal, { yaw: 0, pitch: 0, dolly: 0 });
    Object.assign(this.pull, { yaw: 0, pitch: 0 });
    this.stopSway();
    if (!immediately) return;
    Object.assign(this.now, this.goal);
    this.level = 0;
    this.phase = 0;
  }

  /** For whoever draws next from where this viewer is. */
  get leant(): Leant {
    return { now: { ...this.now }, pull: { ...this.pull, dolly: this.goal.dolly } };
  }

  /** Is where another viewer was at once, and goes on to where that one was pulled, within the limits here. */
  stand({ now, pull }: Leant): void {
    Object.assign(this.now, now);
    Object.assign(this.pull, { yaw: pull.yaw, pitch: pull.pitch });
    this.dollyBy(pull.dolly - this.goal.dolly);
    this.orbitBy(0, 0);
  }

  /** Begins a few gentle turns around where the viewer is; they end by themselves. */
  startSway(): void {
    if (this.level === 0) this.phase = 0;
    this.swaying = true;
  }

  stopSway(): void {
    this.swaying = false;
  }

  /** Goes on by `seconds`. True while something still moves. */
  step(seconds: number): boolean {
    const dt = Math.min(seconds, LONGEST_STEP_S);
    this.stepSway(dt);
    return !this.approach(dt) || this.level > 0 || this.swaying;
  }

  position(): Position {
    const sway = this.level * this.swayYaw;
    const yaw = this.now.yaw + sway * Math.sin(this.phase);
    const pitch = this.now.pitch + sway * SWAY_PITCH_PER_YAW * Math.sin(2 * this.phase);
    const radius = 1 - this.now.dolly;
    return {
      x: radius * Math.sin(yaw) * Math.cos(pitch),
      y: radius * Math.sin(pitch),
      z: -1 + radius * Math.cos(yaw) * Math.cos(pitch),
    };
  }

  /** How far the viewer is from where the photographer stood; about the angle of a lean, in radians. */
  get lean(): number {
    const { x, y, z } = this.position();
    return Math.hypot(x, y, z);
  }

  private approach(dt: number): boolean {
    const part = 1 - Math.exp(-dt / SMOOTHING_S);
    let settled = true;
    for (const key of ['yaw', 'pitch', 'dolly'] as const) {
      const left = this.goal[key] - this.now[key];
      if (Math.abs(left) < SETTLED) {
        this.now[key] = this.goal[key];
      } else {
        this.now[key] += left * part;
        settled = false;
      }
    }
    return settled;
  }

  private stepSway(dt: number): void {
    if (this.swaying) {
      this.level = Math.min(1, this.level + dt / SWAY_FADE_IN_S);
      this.phase += (dt * 2 * Math.PI) / SWAY_PERIOD_S;
      if (this.phase < SWAY_CYCLES * 2 * Math.PI) return;
      // Both sines are zero here: stopping does not show.
      this.swaying = false;
      this.level = 0;
      this.phase = 0;
    } else if (this.level > 0) {
      this.level = Math.max(0, this.level - dt / SWAY_FADE_OUT_S);
    }
  }
}
