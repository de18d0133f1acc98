import { expect, test } from 'vitest';
import {
  AT_REST,
  closeUp,
  type Frame,
  mostOf,
  panBy,
  scaleOfPixels,
  zoomAt,
} from '../src/photo/zooming';

/** A stage of 400 × 300 with a picture of 400 × 200 in it. */
const frame: Frame = { width: 400, height: 300, beside: 0, above: 50 };

test('what lies under the pointer stays there', () => {
  const at = { x: 100, y: 150 };
  const { scale, x } = zoomAt(AT_REST, 3, at, frame, 10);
  expect(scale).toBe(3);
  expect(100 * scale + x).toBeCloseTo(at.x);
});

test('a picture that is larger than the stage leaves no gap beside it', () => {
  const near = zoomAt(AT_REST, 3, { x: 200, y: 150 }, frame, 10);
  const left = panBy(near, 5000, 0, frame);
  expect(frame.beside * left.scale + left.x).toBeCloseTo(0);
  const right = panBy(near, -5000, 0, frame);
  expect((frame.width - frame.beside) * right.scale + right.x).toBeCloseTo(frame.width);
});

test('a picture that is lower than the stage stays in its middle', () => {
  const { scale, y } = zoomAt(AT_REST, 1.4, { x: 0, y: 0 }, frame, 10);
  expect(150 * scale + y).toBeCloseTo(150);
});

test('never smaller than at rest, never beyond the most', () => {
  expect(zoomAt(AT_REST, 0.2, { x: 9, y: 9 }, frame, 10)).toEqual({ scale: 1, x: 0, y: 0 });
  expect(zoomAt(AT_REST, 99, { x: 9, y: 9 }, frame, 10).scale).toBe(10);
});

test('a close-up shows one pixel of the original as one of the screen, and small photos twice as large', () => {
  const pixels = scaleOfPixels(4000, frame, 2);
  expect(pixels).toBe(5);
  expect(closeUp(pixels)).toBe(5);
  expect(mostOf(pixels)).toBe(10);
  expect(closeUp(scaleOfPixels(300, frame, 1))).toBe(2);
});
