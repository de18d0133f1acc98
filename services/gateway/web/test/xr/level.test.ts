import * as THREE from 'three';
import { describe, expect, it } from 'vitest';
import { radians } from '../../src/xr/angles';
import { asGravity, levelling } from '../../src/xr/level';

/** Before a camera that looks up by so many radians and leans to its right by so many. */
const felt = (up: number, right = 0) =>
  [Math.sin(right) * Math.cos(up), Math.cos(right) * Math.cos(up), -Math.sin(up)] as const;
/** Where what lay straight ahead of the camera is seen: how far up, and how far its top leans. */
function seen(gravity: readonly [number, number, number]) {
  const turn = levelling(gravity);
  const ahead = new THREE.Vector3(0, 0, -1).applyQuaternion(turn);
  const top = new THREE.Vector3(0, 1, 0).applyQuaternion(turn);
  return { up: Math.asin(ahead.y), lean: Math.asin(top.x) };
}

describe('the horizon of a photo', () => {
  it('lies level where its camera looked up or down', () => {
    for (const up of [-30, -8, 0, 12, 25].map(radians))
      expect(seen(felt(up)).up).toBeCloseTo(up, 5);
  });

  it('lies level where its camera was held askew', () => {
    // Leaning right, the camera saw a world that leans left: that is set upright.
    const { lean, up } = seen(felt(0, radians(7)));
    expect(Math.abs(lean)).toBeCloseTo(radians(7), 5);
    expect(up).toBeCloseTo(0, 5);
    const falls = new THREE.Vector3(felt(0, radians(7))[0], -felt(0, radians(7))[1], 0);
    expect(falls.applyQuaternion(levelling(felt(0, radians(7)))).y).toBeCloseTo(-1, 5);
  });

  it('is turned no further than a neck likes, where the camera looked at the floor', () => {
    expect(seen(felt(radians(-80))).up).toBeCloseTo(radians(-35), 5);
  });

  it('stays as it was taken where nobody tells what is down, or tells what cannot be', () => {
    const still = new THREE.Quaternion();
    for (const told of [null, undefined, 'down', [0, 1], [0, 3, 0], [Number.NaN, 1, 0]]) {
      expect(asGravity(told)).toBeNull();
      expect(levelling(asGravity(told)).angleTo(still)).toBe(0);
    }
    expect(asGravity([0, 1, 0])).toEqual([0, 1, 0]);
  });
});
