import { PerspectiveCamera, Vector3 } from 'three';
import { describe, expect, it } from 'vitest';
import type { SourceCamera } from '../src/api/schema';
import { aimCamera, assumedCamera } from '../src/render/framing';

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
