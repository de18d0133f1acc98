import { expect, test } from 'vitest';
import { isTellable, onScreen, Tilt } from '../src/photo/tilt';

test('a tilt from how the device is held leans, the more the further', () => {
  const tilt = new Tilt();
  expect(tilt.follow({ beta: 60, gamma: 0 }, 0, 0)).toBeNull();
  const some = tilt.follow({ beta: 60, gamma: 9 }, 0, 0.01);
  const more = tilt.follow({ beta: 60, gamma: 40 }, 0, 0.01);
  expect(some?.x).toBeCloseTo(0.5, 1);
  expect(some?.y).toBeCloseTo(0, 1);
  expect(more?.x).toBe(1);
});

test('a hand that trembles does not move what is seen', () => {
  const tilt = new Tilt();
  tilt.follow({ beta: 60, gamma: 0 }, 0, 0);
  expect(tilt.follow({ beta: 60.2, gamma: -0.2 }, 0, 0.016)).toBeNull();
});

test('a device that is held otherwise for a while looks straight ahead again', () => {
  const tilt = new Tilt();
  tilt.follow({ beta: 60, gamma: 0 }, 0, 0);
  tilt.follow({ beta: 60, gamma: 15 }, 0, 0.01);
  let last = { x: 1, y: 0 };
  for (let i = 0; i < 60; i += 1) last = tilt.follow({ beta: 60, gamma: 15 }, 0, 0.5) ?? last;
  expect(Math.abs(last.x)).toBeLessThan(0.05);
});

test('a screen that is turned leans the way it is turned', () => {
  expect(onScreen({ beta: 10, gamma: 0 }, 0)).toEqual({ x: 0, y: 10 });
  const { x, y } = onScreen({ beta: 10, gamma: 0 }, 90);
  expect([x, y].map((n) => Math.round(n))).toEqual([10, 0]);
});

test('left and right are not told of a device held upright, where they turn over at once', () => {
  expect(isTellable({ beta: 60, gamma: 5 })).toBe(true);
  expect(isTellable({ beta: 89, gamma: 5 })).toBe(false);
  expect(isTellable({ beta: 91, gamma: -175 })).toBe(false);
  expect(isTellable({ beta: -85, gamma: 0 })).toBe(false);
});

test('what leans stays so when tilting begins anew, until the device is tilted', () => {
  const tilt = new Tilt();
  tilt.follow({ beta: 60, gamma: 0 }, 0, 0);
  tilt.follow({ beta: 60, gamma: 15 }, 0, 0.01);
  tilt.reset();
  expect(tilt.follow({ beta: 60, gamma: 15 }, 0, 0.01)).toBeNull();
  expect(tilt.follow({ beta: 60, gamma: 24 }, 0, 0.01)?.x).toBeCloseTo(0.5, 1);
});
