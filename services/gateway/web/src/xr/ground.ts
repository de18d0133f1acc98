/** A place on a floor: x to the right, z backwards, in metres of the room. */
export interface Spot {
  x: number;
  z: number;
}

/** Where one may go in a room. */
export interface Ground {
  /** Metres a second, with a stick pushed to its end. */
  readonly pace: number;
  /** What may be done of a step that is wanted from here. */
  step(from: Spot, wanted: Spot): Spot;
}

/** Metres a second: a slow step, for rooms that one hardly leaves the middle of. */
const STEP_PACE = 0.5;

/** Around the middle of a room, no further than this; back always. */
export const around = (reach: number): Ground => ({
  pace: STEP_PACE,
  step: (from, wanted) => boundedStep(from, wanted, reach),
});

/** A step of a head at `from`, no further than `reach` from the middle; less than asked for near its end, back always. */
export function boundedStep(from: Spot, step: Spot, reach: number): Spot {
  const to = { x: from.x + step.x, z: from.z + step.z };
  const before = Math.hypot(from.x, from.z);
  const after = Math.hypot(to.x, to.z);
  if (after <= reach || after < before) return step;
  const limit = Math.max(reach, before);
  const scale = after > 0 ? limit / after : 0;
  return { x: to.x * scale - from.x, z: to.z * scale - from.z };
}
