import { expect, test } from 'vitest';
import { chosenIn } from '../src/scenes/hook';
import { reachOf, stanceOf, stepOf, stepsOf, turned, walked } from '../src/scenes/walk';

const STILL = { x: 0, y: 0, z: 0, yaw: 0, pitch: 0 };

test('walking ahead goes where one looks, and stays level', () => {
  const ahead = walked(STILL, stepsOf(['KeyW']), 1, 1);
  expect(ahead.z).toBeLessThan(0);
  expect(ahead.x).toBeCloseTo(0);
  expect(ahead.y).toBe(0);
  const left = walked({ ...STILL, yaw: Math.PI / 2, pitch: 1 }, stepsOf(['ArrowUp']), 1, 1);
  expect(left.x).toBeLessThan(0);
  expect(left.z).toBeCloseTo(0);
  expect(left.y).toBe(0);
});

test('keys held against each other stand still, and others mean nothing', () => {
  expect(stepsOf(['KeyW', 'KeyS', 'KeyA', 'KeyD'])).toEqual({ ahead: 0, right: 0, up: 0 });
  expect(stepOf('KeyX')).toBeNull();
});

test('one steps as far as the cameras stand apart', () => {
  const near = walked(STILL, stepsOf(['KeyW']), 1, 1);
  const wide = walked(STILL, stepsOf(['KeyW']), 1, 10);
  expect(wide.z / near.z).toBeCloseTo(10);
});

test('nobody looks over the top', () => {
  expect(turned(STILL, 0, 100).pitch).toBeLessThan(Math.PI / 2);
});

test('one comes in where the picture was taken, looking where it looked', () => {
  // Two metres to the right of the middle, looking left: its z axis is the world's -x.
  const pose = [0, 0, -1, 2, 0, 1, 0, 0.5, 1, 0, 0, 3, 0, 0, 0, 1];
  const stance = stanceOf(pose);
  expect(stance).toMatchObject({ x: 2, y: -0.5, z: -3 });
  expect(stance.yaw).toBeCloseTo(Math.PI / 2);
  expect(stance.pitch).toBeCloseTo(0);
});

test('the reach is that of the camera farthest from the middle', () => {
  expect(reachOf([STILL, { ...STILL, x: 4 }])).toBe(2);
  expect(reachOf([])).toBe(1);
});

test('the address says of what a place is to be made', () => {
  expect(chosenIn('#/scenes?video=abc')).toEqual({ kind: 'video', id: 'abc' });
  expect(chosenIn('#/scenes')).toBeNull();
});
