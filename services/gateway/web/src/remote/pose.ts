import type { SourceCamera } from '../api/schema';
import type { Position } from '../render/rig';
import type { Pose } from './protocol';

/** As many pixels as the server draws for one picture. */
export const MOST_PIXELS = 1280 * 720;

export interface Frame {
  /** Of the photo on the page, in CSS pixels. */
  width: number;
  height: number;
  pixelRatio: number;
}

/**
 * What the server is asked for: the photo's frame, seen from where the rig stands.
 * focus: how far away what the rig turns around is, in metres. zoom: by how much the lens closes in.
 */
export function poseFrom(
  at: Position,
  focus: number,
  source: SourceCamera,
  frame: Frame,
  zoom: number,
): Pose {
  const ratio = Math.min(
    frame.pixelRatio,
    Math.sqrt(MOST_PIXELS / Math.max(1, frame.width * frame.height)),
  );
  const width = Math.max(16, Math.floor(frame.width * ratio));
  const height = Math.max(16, Math.floor(frame.height * ratio));
  const [across, down] = [width / source.width, height / source.height];
  return {
    place: placeOf(at, focus),
    fx: source.fx * across * zoom,
    fy: source.fy * down * zoom,
    cx: source.cx * across,
    cy: source.cy * down,
    width,
    height,
  };
}

/** World to camera, three rows of four, of who stands there and looks at what the rig turns around. */
function placeOf({ x, y, z }: Position, focus: number): number[] {
  // From three's axes (y up, z backwards) to OpenCV's.
  const eye: Triple = [x * focus, -y * focus, -z * focus];
  const ahead = unit([-eye[0], -eye[1], focus - eye[2]]);
  const right = unit(cross([0, 1, 0], ahead));
  const down = cross(ahead, right);
  return [right, down, ahead].flatMap((row) => [...row, -dot(row, eye)]);
}

type Triple = [number, number, number];

const dot = (a: Triple, b: Triple): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

const cross = (a: Triple, b: Triple): Triple => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

function unit(a: Triple): Triple {
  const length = Math.hypot(...a);
  return [a[0] / length, a[1] / length, a[2] / length];
}
