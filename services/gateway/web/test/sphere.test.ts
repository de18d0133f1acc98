import type * as THREE from 'three';
import { expect, it } from 'vitest';
import { cropOf, WHOLE } from '../src/photo/crop';
import { isAllAround, isFlat } from '../src/photo/sphere';
import { lookOf, pictureBall, towards } from '../src/render/sphere';

/** Where a place of the picture lies on the ball, by its part across; half way up. */
function placeOf(across: number, crop = WHOLE): THREE.Vector3Tuple {
  const ball = pictureBall(crop);
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

const TOLD = `<rdf:Description GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="8000"
  GPano:FullPanoHeightPixels="4000" GPano:CroppedAreaLeftPixels="5000" GPano:CroppedAreaTopPixels="1000"
  GPano:CroppedAreaImageWidthPixels="2000" GPano:CroppedAreaImageHeightPixels="1500"/>`;
const CROP = { left: 0.625, top: 0.25, width: 0.25, height: 0.375 };

it('shows of a cropped panorama as much as its metadata tells, where it belongs', () => {
  expect(cropOf(TOLD, 2000, 1500)).toEqual(CROP);
  const elements = TOLD.replace(/GPano:(\w+)="(\w+)"/g, '<GPano:$1>$2</GPano:$1>');
  expect(cropOf(elements, 1000, 750)).toEqual(CROP);
  const { yaw, pitch } = lookOf(CROP);
  expect(yaw).toBeCloseTo(-Math.PI / 2, 5); // to the right
  expect(pitch).toBeCloseTo(Math.PI / 16, 5); // a little up
  const [x, , z] = towards(yaw, 0);
  const [atX, , atZ] = placeOf(0.5, CROP);
  expect(Math.atan2(atZ, atX)).toBeCloseTo(Math.atan2(z, x), 5);
});

it('takes by its shape a picture that says nothing, or was cut since', () => {
  expect(cropOf('', 4000, 2000)).toEqual(WHOLE);
  expect(cropOf('', 8000, 2000)).toEqual({ left: 0, top: 0.25, width: 1, height: 0.5 });
  expect(cropOf(TOLD, 4000, 2000)).toEqual(WHOLE);
  expect(cropOf('', 1000, 1000)).toEqual({ left: 0.25, top: 0, width: 0.5, height: 1 });
  const absurd = TOLD.replace('"5000"', '"7900"');
  expect(cropOf(absurd, 4000, 2000)).toEqual(WHOLE);
});

it('goes on looking at a crop, and all the way around a whole', () => {
  const { aside, above } = lookOf(CROP);
  expect([aside, above]).toEqual([Math.PI / 4, (0.375 * Math.PI) / 2]);
  expect(lookOf(WHOLE)).toMatchObject({ yaw: 0, pitch: 0, aside: Number.POSITIVE_INFINITY });
});
