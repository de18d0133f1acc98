import type { PerspectiveCamera } from 'three';
import type { SourceCamera } from '../api/schema';

/** Where a camera must look so that its photo lies exactly where `object-fit: contain` puts it. */
export interface Framing {
  /** Vertical field of view of the whole view, in degrees. */
  fov: number;
  aspect: number;
  /** How far the principal point lies from the middle of the view, in view pixels (right, down). */
  offsetX: number;
  offsetY: number;
  /** View pixels per photo pixel. */
  scale: number;
}

/** A photo's field of view where nothing says it: 54° across its longer side. */
const FOCAL_UNKNOWN = 0.98;

export function assumedCamera(width: number, height: number): SourceCamera {
  const f = FOCAL_UNKNOWN * Math.max(width, height);
  return { fx: f, fy: f, cx: width / 2, cy: height / 2, width, height };
}

/** What a photo taken with `source` fills at rest. */
export function reachesOf({ fx, fy, cx, cy, width, height }: SourceCamera): Reaches {
  return { left: cx / fx, right: (width - cx) / fx, bottom: (height - cy) / fy, top: cy / fy };
}

/** Fits a photo taken with `camera` into a view of `width` × `height` pixels. */
export function fitFrame(camera: SourceCamera, width: number, height: number): Framing {
  const scale = Math.min(width / camera.width, height / camera.height);
  const fx = camera.fx * scale;
  const fy = camera.fy * scale;
  return {
    fov: (2 * Math.atan(height / 2 / fy) * 180) / Math.PI,
    aspect: width / fx / (height / fy),
    offsetX: (camera.cx - camera.width / 2) * scale,
    offsetY: (camera.cy - camera.height / 2) * scale,
    scale,
  };
}

/** Aims a camera at a view of `width` × `height`; returns view pixels per photo pixel. */
export function aimCamera(
  camera: PerspectiveCamera,
  source: SourceCamera,
  width: number,
  height: number,
): number {
  const frame = fitFrame(source, width, height);
  camera.setViewOffset(width, height, -frame.offsetX, -frame.offsetY, width, height);
  // Only now: setting the view offset sets the aspect of square pixels.
  camera.fov = frame.fov;
  camera.aspect = frame.aspect;
  camera.updateProjectionMatrix();
  return frame.scale;
}

/** A place before the camera, in its own axes: right, up, and backwards. */
export type Corner = { x: number; y: number; z: number };

/** Tangents of what a picture fills at rest, from the axis of the camera to each of its sides. */
export type Reaches = { left: number; right: number; bottom: number; top: number };

/** As far as depth all around asks for at the end of every lean; a thin thing close on one side would ask for any more. */
export const MOST_ZOOM = 2.1;

/**
 * How much the lens has to close in so that a picture seen from elsewhere still fills its place at rest, 1 to MOST_ZOOM.
 * sides: for each side of the picture places on it, as near and as far as it may be, from the camera.
 */
export function coveringZoom(sides: Record<keyof Reaches, Corner[]>, rest: Reaches): number {
  const reach = (ends: Corner[], of: (end: Corner) => number) =>
    Math.max(0, Math.min(...ends.map((end) => (end.z < 0 ? of(end) / -end.z : 0))));
  const needed = [
    rest.left / reach(sides.left, ({ x }) => -x),
    rest.right / reach(sides.right, ({ x }) => x),
    rest.bottom / reach(sides.bottom, ({ y }) => -y),
    rest.top / reach(sides.top, ({ y }) => y),
  ];
  return Math.min(Math.max(1, ...needed), MOST_ZOOM);
}
