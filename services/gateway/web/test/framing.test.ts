import { PerspectiveCamera, Vector3 } from 'three';
import { describe, expect, it } from 'vitest';
import type { SourceCamera } from '../src/api/schema';
import { aimCamera, assumedCamera, coveringZoom, MOST_ZOOM } from '../src/render/framing';

/** Where a photo's pixel lands in a view, through three's camera. */
function project(camera: SourceCamera, view: [number, number], pixel: [number, number]) {
  const [width, height] = view;
  const eye = new PerspectiveCamera(50, 1, 0.1, 100);
  aimCamera(eye, camera, width, height);
  const depth = 3;
  const point = new Vector3(
    ((pixel[0] - camera.cx) / camera.fx) * depth,
    (-(pixel[1] - camera.cy) / camera.fy) * depth,
    -depth,
  ).project(eye);
  return [((point.x + 1) / 2) * width, ((1 - point.y) / 2) * height];
}

/** Where `object-fit: contain` puts the same pixel. */
function contained(camera: SourceCamera, view: [number, number], pixel: [number, number]) {
  const scale = Math.min(view[0] / camera.width, view[1] / camera.height);
  return [
    (view[0] - camera.width * scale) / 2 + pixel[0] * scale,
    (view[1] - camera.height * scale) / 2 + pixel[1] * scale,
  ];
}

const CENTRED = { fx: 3000, fy: 3000, cx: 2000, cy: 1500, width: 4000, height: 3000 };
const LOPSIDED = { fx: 3100, fy: 2900, cx: 2150, cy: 1380, width: 4000, height: 3000 };
const PORTRAIT = { fx: 2800, fy: 2800, cx: 1500, cy: 2000, width: 3000, height: 4000 };

describe('the camera at rest shows the photo exactly where the flat picture is', () => {
  const views: [number, number][] = [
    [1920, 1080],
    [390, 844],
    [800, 800],
  ];
  for (const camera of [CENTRED, LOPSIDED, PORTRAIT]) {
    for (const view of views) {
      it(`${camera.width}×${camera.height}, cx ${camera.cx}, in ${view.join('×')}`, () => {
        const corners: [number, number][] = [
          [0, 0],
          [camera.width, camera.height],
          [camera.width * 0.3, camera.height * 0.8],
        ];
        for (const pixel of corners) {
          const [x, y] = project(camera, view, pixel) as [number, number];
          const [expectedX, expectedY] = contained(camera, view, pixel) as [number, number];
          expect(x).toBeCloseTo(expectedX, 4);
          expect(y).toBeCloseTo(expectedY, 4);
        }
      });
    }
  }
});

it('a photo without a known camera gets a normal field of view', () => {
  const camera = assumedCamera(3000, 2000);
  const across = 2 * Math.atan(1500 / camera.fx) * (180 / Math.PI);
  expect(across).toBeGreaterThan(50);
  expect(across).toBeLessThan(60);
  expect(camera.cx).toBe(1500);
});

describe('a lens that closes in so that a picture fills its place', () => {
  /** A picture of one unit to each side; the right one has something so far away, and one leans there so far. */
  const zoom = (near: number, lean: number) => {
    const at = (x: number, y: number, depth: number) => ({
      x: x * depth - lean,
      y: y * depth,
      z: -depth,
    });
    return coveringZoom(
      {
        left: [at(-1, 0, 3)],
        right: [at(1, 0, 3), at(1, 0, near)],
        bottom: [at(0, -1, 3)],
        top: [at(0, 1, 3)],
      },
      { left: 1, right: 1, bottom: 1, top: 1 },
    );
  };

  it('does so as far as it has to, and not without end', () => {
    expect(zoom(2, 0.2)).toBeCloseTo(1 / 0.9);
    expect(zoom(0.5, 0.4)).toBe(MOST_ZOOM);
  });

  it('never springs back where what is near on a side passes before one’s eyes', () => {
    const leans = Array.from({ length: 12 }, (_, index) => index / 10);
    const zooms = leans.map((lean) => zoom(0.5, lean));
    expect(zooms).toEqual([...zooms].sort());
    expect(zooms.at(-1)).toBe(MOST_ZOOM);
    expect(zoom(-0.1, 0.1)).toBe(MOST_ZOOM);
  });
});
