import type { Spot } from './ground';

/** Metres a second, and a second squared: a throw that comes down some metres ahead. */
const SPEED = 6.5;
const FALL = 9.8;
/** Farther nobody aims well. */
const FARTHEST = 7;
const STEPS = 24;

type Vector = readonly [x: number, y: number, z: number];

/** How what is thrown from here goes down to a floor: points of its way, and where it lands. */
export interface Throw {
  path: Vector[];
  /** Null where it would land too far away. */
  spot: Spot | null;
}

/** direction: of length 1. floor: its height. */
export function throwFrom(origin: Vector, direction: Vector, floor: number): Throw {
  const [ox, oy, oz] = origin;
  const [vx, vy, vz] = direction.map((part) => part * SPEED) as unknown as Vector;
  const above = Math.max(oy - floor, 0);
  const time = (vy + Math.sqrt(vy * vy + 2 * FALL * above)) / FALL;
  const at = (t: number): Vector => [ox + vx * t, oy + vy * t - (FALL / 2) * t * t, oz + vz * t];
  const path = Array.from({ length: STEPS + 1 }, (_, i) => at((time * i) / STEPS));
  const [x, , z] = at(time);
  const far = Math.hypot(x - ox, z - oz);
  return { path, spot: far > FARTHEST ? null : { x, z } };
}

/** The end of a way that may be gone from one spot towards another. */
export function reachable(
  from: Spot,
  to: Spot,
  step: (from: Spot, wanted: Spot) => Spot,
  stride = 0.1,
): Spot {
  const far = Math.hypot(to.x - from.x, to.z - from.z);
  const strides = Math.ceil(far / stride);
  let at = from;
  for (let i = 0; i < strides; i += 1) {
    const left = Math.hypot(to.x - at.x, to.z - at.z);
    if (left < 1e-3) break;
    const part = Math.min(stride / left, 1);
    const done = step(at, { x: (to.x - at.x) * part, z: (to.z - at.z) * part });
    if (Math.hypot(done.x, done.z) < stride / 20) break;
    at = { x: at.x + done.x, z: at.z + done.z };
  }
  return at;
}
