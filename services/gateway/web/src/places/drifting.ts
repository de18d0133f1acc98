/** The way that a photo is moved through while it is presented. */
export type Path = 'left' | 'right';

/** How far it goes to the side, and up, as parts of how far one may lean. */
const ASIDE = 0.7;
const UP = 0.2;

/** Where the eye is at a part of the time, 0 to 1: from one side to the other, slowly at both ends. */
export function pathAt(path: Path, part: number): { x: number; y: number } {
  const eased = part * part * (3 - 2 * part);
  const side = path === 'right' ? 1 : -1;
  return { x: side * ASIDE * (2 * eased - 1), y: UP * Math.sin(Math.PI * part) };
}
