import * as THREE from 'three';
import { expect, it } from 'vitest';
import { Stance } from '../../src/xr/stance';

it('makes the middle where the head is told to be next, not where it was when that was asked for', () => {
  const rig = new THREE.Group();
  const camera = new THREE.PerspectiveCamera();
  rig.add(camera);
  const stance = new Stance(rig, camera);
  expect(stance.heed(false)).toBe(false);
  camera.position.set(0, 1.6, 0);
  expect(stance.heed(true)).toBe(true);
  expect(stance.heed(true)).toBe(false);

  camera.position.set(2, 1.2, 1);
  stance.recentreNext();
  expect(stance.heed(false)).toBe(false);
  camera.position.set(0.1, 1.2, 0);
  expect(stance.heed(true)).toBe(true);
  expect(stance.head().length()).toBeCloseTo(0);
  expect(stance.eyeHeight).toBe(1.2);
});
