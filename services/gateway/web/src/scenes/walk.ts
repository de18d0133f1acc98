/**
 * Walking: where somebody stands in a scene and where they look. Axes are those of the screen: x right, y up, z
 * backwards; lengths are the scene's own.
 */
export interface Stance {
  x: number;
  y: number;
  z: number;
  /** Radians: to the left, and up. */
  yaw: number;
  pitch: number;
}

/** What is held down: parts of full speed, forwards, to the right and up. */
export interface Steps {
  ahead: number;
  right: number;
  up: number;
}

const STEEPEST = 1.35;
/** Cameras' widths a second, where cameras stand this far apart. */
const PACE = 0.6;

const KEYS: Record<string, Partial<Steps>> = {
  KeyW: { ahead: 1 },
  ArrowUp: { ahead: 1 },
  KeyS: { ahead: -1 },
  ArrowDown: { ahead: -1 },
  KeyA: { right: -1 },
  ArrowLeft: { right: -1 },
  KeyD: { right: 1 },
  ArrowRight: { right: 1 },
  KeyE: { up: 1 },
  KeyQ: { up: -1 },
};

/** What a key means by its place (`event.code`), whatever is held beside it; null where it means nothing. */
export function stepOf(code: string): Partial<Steps> | null {
  return KEYS[code] ?? null;
}

/** All held keys together. */
export function stepsOf(held: Iterable<string>): Steps {
  const sum: Steps = { ahead: 0, right: 0, up: 0 };
  for (const code of held) {
    const step = stepOf(code);
    sum.ahead += step?.ahead ?? 0;
    sum.right += step?.right ?? 0;
    sum.up += step?.up ?? 0;
  }
  return sum;
}

/** Where one stands after so many seconds of walking. reach: how far the cameras stand from their middle. */
export function walked(from: Stance, steps: Steps, seconds: number, reach: number): Stance {
  const far = PACE * Math.max(reach, 0.1) * seconds;
  const [sin, cos] = [Math.sin(from.yaw), Math.cos(from.yaw)];
  return {
    ...from,
    x: from.x + far * (steps.right * cos - steps.ahead * sin),
    y: from.y + far * steps.up,
    z: from.z + far * (-steps.right * sin - steps.ahead * cos),
  };
}

/** A place on the canvas, in its pixels. */
export interface Spot {
  x: number;
  y: number;
}

/**
 * How one of two fingers steps as it goes from here to there, in parts of size: apart is ahead, and what is dragged
 * comes along.
 */
export function spread(from: Spot, to: Spot, other: Spot, size: number): Steps {
  const gap = ({ x, y }: Spot) => Math.hypot(x - other.x, y - other.y);
  return {
    ahead: (gap(to) - gap(from)) / size,
    right: (from.x - to.x) / 2 / size,
    up: (to.y - from.y) / 2 / size,
  };
}

/** Where one looks after a drag by this part of the window. */
export function turned(from: Stance, dx: number, dy: number): Stance {
  const pitch = Math.min(STEEPEST, Math.max(-STEEPEST, from.pitch + dy * 1.6));
  return { ...from, yaw: from.yaw + dx * 2.2, pitch };
}

/** Where the camera of a picture stood: its pose is in axes with y down and z forwards, row by row. */
export function stanceOf(cameraToWorld: readonly number[]): Stance {
  const at = (index: number) => cameraToWorld[index] ?? 0;
  // Where the camera looks, in the axes of the screen.
  const [x, y, z] = [at(2), -at(6), -at(10)];
  return {
    x: at(3),
    y: -at(7),
    z: -at(11),
    yaw: Math.atan2(-x, -z),
    pitch: Math.atan2(y, Math.hypot(x, z)),
  };
}

/** How far stances lie from their middle, at most. */
export function reachOf(stances: readonly Stance[]): number {
  if (stances.length === 0) return 1;
  const middle = (of: (one: Stance) => number) =>
    stances.reduce((sum, one) => sum + of(one), 0) / stances.length;
  const [x, y, z] = [middle((one) => one.x), middle((one) => one.y), middle((one) => one.z)];
  return Math.max(...stances.map((one) => Math.hypot(one.x - x, one.y - y, one.z - z)));
}
