import { radians } from './angles';

/** A ray that moved less than this between press and release was meant for what it pointed at. */
const STILL = radians(2.5);
/** Hands tremble; but what is held for long was held, not pressed. */
const LONG_S = 1.2;

/** Whether a press is a choice, and no pull. travelled: by how much the ray turned in between. */
export const isClick = (travelled: number, seconds: number): boolean =>
  travelled < STILL && seconds < LONG_S;
