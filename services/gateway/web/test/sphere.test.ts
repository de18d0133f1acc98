import type * as THREE from 'three';
import { expect, it } from 'vitest';
import { isAllAround, isFlat } from '../src/photo/sphere';
import { pictureBall, towards } from '../src/render/sphere';

/** Where a place of the picture lies on the ball, by its part across; half way up. */
function placeOf(across: number): THREE.Vector3Tuple {
  const ball = pictureBall();
  const [places, parts] = [ball.getAttribute('position'), ball.getAttribute('uv')];
  for (let i = 0; i < places.count; i += 1)
    if (Math.abs(parts.getX(i) - across) < 1e-6 && Math.abs(parts.getY(i) - 0.5) < 1e-6)
      return [places.getX(i), places.getY(i), places.getZ(i)];
  throw new Error('the ball has no such place');
}

it('looks at the middle of a picture all around at first, and to its left and right when turned', () => {
  for (const [across, yaw] of [
    [0.5, 0],
    [0.75, -Math.PI / 2],
    [0.25, Math.PI / 2],
  ] as const)
    for (const [axis, value] of towards(yaw, 0).entries())
      expect(placeOf(across)[axis]).toBeCloseTo(value, 5);
});

it('is what shows all directions, not half of them, and neither is lifted', () => {
  const told = (projection: string | null) => [isAllAround({ projection }), isFlat({ projection })];
  expect(told('EQUIRECTANGULAR')).toEqual([true, false]);
  expect(told('half_equirectangular')).toEqual([false, false]);
  expect(told(null)).toEqual([false, true]);
});
