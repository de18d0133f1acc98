import type { SourceCamera } from '../api/schema';

/** What a picture fills of what lies ahead, as tangents: x right, y up, at distance 1. */
export interface Spread {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

/** What a camera's photo fills. */
export function spreadOf({ fx, fy, cx, cy, width, height }: SourceCamera): Spread {
  return {
    left: -cx / fx,
    right: (width - cx) / fx,
    bottom: -(height - cy) / fy,
    top: cy / fy,
  };
}

/** Size and middle of a screen at a distance. */
export function screenFor({ left, right, bottom, top }: Spread, distance: number) {
  return {
    width: (right - left) * distance,
    height: (top - bottom) * distance,
    right: ((left + right) / 2) * distance,
    up: ((bottom + top) / 2) * distance,
  };
}

/**
 * Where a point of a screen lies that is bent towards the viewer. x: along the screen from its middle; curve: 0 leaves
 * it flat at this distance, 1 makes it a part of a cylinder around the viewer. It stays as long as it was.
 */
export function bend(x: number, distance: number, curve: number): { x: number; z: number } {
  if (curve <= 0) return { x, z: -distance };
  const radius = distance / curve;
  const angle = x / radius;
  return { x: radius * Math.sin(angle), z: radius - distance - radius * Math.cos(angle) };
}
