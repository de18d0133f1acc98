/** How a device is held: as a turn of it from lying on its back with its top to the north, (w, x, y, z). */
export type Attitude = readonly [w: number, x: number, y: number, z: number];

/** As browsers tell it, in degrees: around the vertical, front to back, left to right, in this order. */
export interface Held {
  alpha: number | null;
  beta: number;
  gamma: number;
}

/** Turns around the device's own z, x and y, one after the other, as the specification of device orientation has it. */
export function attitudeOf({ alpha, beta, gamma }: Held): Attitude {
  const [z, x, y] = [alpha ?? 0, beta, gamma].map((angle) => (angle * Math.PI) / 360) as [
    number,
    number,
    number,
  ];
  const aroundZ: Attitude = [Math.cos(z), 0, 0, Math.sin(z)];
  const aroundX: Attitude = [Math.cos(x), Math.sin(x), 0, 0];
  const aroundY: Attitude = [Math.cos(y), 0, Math.sin(y), 0];
  return times(times(aroundZ, aroundX), aroundY);
}

/** By how many degrees a device was turned around its own axes on the way from one attitude to another, the short way. */
export function turnBetween(from: Attitude, to: Attitude): { x: number; y: number; z: number } {
  const [w, x, y, z] = times(inverse(from), to);
  const sign = w < 0 ? -1 : 1;
  const sine = Math.hypot(x, y, z);
  const angle = (2 * Math.atan2(sine, sign * w) * 180) / Math.PI;
  const scale = sine > 1e-9 ? (sign * angle) / sine : 0;
  return { x: x * scale, y: y * scale, z: z * scale };
}

/** A part of the way from one attitude to another that is not far from it. */
export function towards(from: Attitude, to: Attitude, part: number): Attitude {
  const dot = from.reduce((sum, one, i) => sum + one * (to[i] as number), 0);
  const sign = dot < 0 ? -1 : 1;
  const mixed = from.map((one, i) => one + (sign * (to[i] as number) - one) * part);
  const size = Math.hypot(...mixed) || 1;
  return mixed.map((one) => one / size) as unknown as Attitude;
}

const inverse = ([w, x, y, z]: Attitude): Attitude => [w, -x, -y, -z];

function times([aw, ax, ay, az]: Attitude, [bw, bx, by, bz]: Attitude): Attitude {
  return [
    aw * bw - ax * bx - ay * by - az * bz,
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
  ];
}
