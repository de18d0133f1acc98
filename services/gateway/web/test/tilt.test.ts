import { expect, test } from 'vitest';
import { onScreen, Tilt } from '../src/photo/tilt';

test('a tilt from how the device is held leans, the more the further', () => {
  const tilt = new Tilt();
  expect(tilt.follow({ alpha: 0, beta: 60, gamma: 0 }, 0, 0)).toBeNull();
  const some = tilt.follow({ alpha: 0, beta: 60, gamma: 9 }, 0, 0.01);
  const more = tilt.follow({ alpha: 0, beta: 60, gamma: 40 }, 0, 0.01);
  expect(some?.x).toBeCloseTo(0.5, 1);
  expect(some?.y).toBeCloseTo(0, 1);
  expect(more?.x).toBe(1);
});

test('a hand that trembles does not move what is seen', () => {
  const tilt = new Tilt();
  tilt.follow({ alpha: 0, beta: 60, gamma: 0 }, 0, 0);
  expect(tilt.follow({ alpha: 0, beta: 60.2, gamma: -0.2 }, 0, 0.016)).toBeNull();
});

test('a device that is held otherwise for a while looks straight ahead again', () => {
  const tilt = new Tilt();
  tilt.follow({ alpha: 0, beta: 60, gamma: 0 }, 0, 0);
  tilt.follow({ alpha: 0, beta: 60, gamma: 15 }, 0, 0.01);
  let last = { x: 1, y: 0 };
  for (let i = 0; i < 60; i += 1)
    last = tilt.follow({ alpha: 0, beta: 60, gamma: 15 }, 0, 0.5) ?? last;
  expect(Math.abs(last.x)).toBeLessThan(0.05);
});

test('a screen that is turned leans the way it is turned', () => {
  expect(onScreen({ x: 10, y: 0 }, 0)).toEqual({ x: 0, y: 10 });
  const { x, y } = onScreen({ x: 10, y: 0 }, 90);
  expect([x, y].map((n) => Math.round(n))).toEqual([10, 0]);
});

test('a device held upright leans as it is turned, where the angles that are told turn over at once', () => {
  const upright = { alpha: 0, beta: 89, gamma: 0 };
  const turnedBy = (degrees: number) => {
    const tilt = new Tilt();
    tilt.follow(upright, 0, 0);
    // Turned around what is vertical by then, its own length, is told by alpha alone.
    return tilt.follow({ ...upright, alpha: degrees }, 0, 0.001);
  };
  expect(turnedBy(9)?.x).toBeCloseTo(0.5, 1);
  expect(turnedBy(-9)?.x).toBeCloseTo(-0.5, 1);
  expect(turnedBy(9)?.y).toBeCloseTo(0, 1);

  const over = new Tilt();
  over.follow({ alpha: 0, beta: 88, gamma: 1 }, 0, 0);
  // The same attitude as 92, 1 degrees: beyond the vertical all three are told from the other side.
  const lean = over.follow({ alpha: 180, beta: 88, gamma: -179 }, 0, 0.001);
  expect(Math.abs(lean?.x ?? 0)).toBeLessThan(0.15);
  expect(lean?.y).toBeCloseTo(4 / 18, 1);
});

test('a device that does not tell where north is leans all the same', () => {
  const tilt = new Tilt();
  tilt.follow({ alpha: null, beta: 40, gamma: 0 }, 0, 0);
  expect(tilt.follow({ alpha: null, beta: 40, gamma: 9 }, 0, 0.001)?.x).toBeCloseTo(0.5, 1);
});

test('what leans stays so when tilting begins anew, until the device is tilted', () => {
  const tilt = new Tilt();
  tilt.follow({ alpha: 0, beta: 60, gamma: 0 }, 0, 0);
  tilt.follow({ alpha: 0, beta: 60, gamma: 15 }, 0, 0.01);
  tilt.reset();
  expect(tilt.follow({ alpha: 0, beta: 60, gamma: 15 }, 0, 0.01)).toBeNull();
  expect(tilt.follow({ alpha: 0, beta: 60, gamma: 24 }, 0, 0.01)?.x).toBeCloseTo(0.5, 1);
});
