/** Angles in VR: radians, unless a name says degrees. */

export const radians = (degrees: number): number => (degrees * Math.PI) / 180;
export const degrees = (radians: number): number => (radians * 180) / Math.PI;

/** The least height of text that is read, in degrees of what one sees. */
export const BODY_TEXT_DEGREES = 1.2;

/** How high text is that is seen under this angle from a distance, in metres. */
export const textHeight = (distance: number, angle = BODY_TEXT_DEGREES): number =>
  2 * distance * Math.tan(radians(angle) / 2);

/** Within (-π, π]. */
export function wrap(angle: number): number {
  const turned = angle % (2 * Math.PI);
  if (turned > Math.PI) return turned - 2 * Math.PI;
  return turned <= -Math.PI ? turned + 2 * Math.PI : turned;
}

export interface Point {
  x: number;
  y: number;
  z: number;
}

/** How far to the right of straight ahead (−z) a direction points. */
export const azimuthOf = ({ x, z }: Pick<Point, 'x' | 'z'>): number => Math.atan2(x, -z);

/** The heading of a head, for what is laid out around one: from where it looks, also where that is up or down. */
export function headingOf(forward: Point, up: Point): number {
  const level = Math.hypot(forward.x, forward.z);
  if (level > 0.2) return azimuthOf(forward);
  // Looking at the ceiling or the floor, the top of the head tells what is ahead.
  const sign = forward.y > 0 ? -1 : 1;
  return azimuthOf({ x: sign * up.x, z: sign * up.z });
}
