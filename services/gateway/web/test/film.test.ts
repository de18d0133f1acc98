import { PerspectiveCamera, Vector3 } from 'three';
import { describe, expect, it } from 'vitest';
import type { RgbdLayout } from '../src/api/schema';
import { FilmScene } from '../src/render/film';
import { aimCamera } from '../src/render/framing';
import { Rig } from '../src/render/rig';
import { type Film, reaches } from '../src/video/film';

const WIDE: RgbdLayout = {
  width: 1296,
  height: 360,
  colour: [0, 0, 640, 360],
  depth: [656, 0, 640, 360],
};
const TALL: RgbdLayout = {
  width: 736,
  height: 640,
  colour: [0, 0, 360, 640],
  depth: [376, 0, 360, 640],
};
const VIEW = { width: 900, height: 700 };
const FOCUS = 2;

/** A film in a view, and a camera that has leaned as far as this. */
function leaning(layout: RgbdLayout, strength: number, [right, down, closer]: number[]) {
  const film = new FilmScene({} as HTMLVideoElement, layout, 8);
  film.setScale(FOCUS / film.focus);
  film.setStrength(strength);
  const camera = new PerspectiveCamera();
  const scale = aimCamera(camera, film.camera, VIEW.width, VIEW.height);
  const rig = new Rig();
  rig.setLimits(0.06, film.nearest / film.focus);
  rig.orbitBy(right ?? 0, down ?? 0);
  rig.dollyBy(closer ?? 0);
  while (rig.step(0.1));
  const { x, y, z } = rig.position();
  camera.position.set(x * FOCUS, y * FOCUS, z * FOCUS);
  camera.lookAt(0, 0, -FOCUS);
  camera.updateMatrixWorld();
  camera.zoom = film.zoomFor(camera);
  camera.updateProjectionMatrix();
  return { film, camera, scale };
}

/** Where a point of the film lands, in view pixels from the middle. across, up: -1 to 1. */
function lands(
  { film, camera }: ReturnType<typeof leaning>,
  [across, up, inverse]: [number, number, number],
) {
  const { fx, fy, width, height } = film.camera;
  const depth = (film.scene.scale.x * 1) / inverse;
  const point = new Vector3((across * width) / 2 / fx, (up * height) / 2 / fy, -1);
  point.multiplyScalar(depth).project(camera);
  return [(point.x * VIEW.width) / 2, (point.y * VIEW.height) / 2] as const;
}

describe('a film from where one leans', () => {
  const ends = [-1, 0, 1];
  for (const layout of [WIDE, TALL]) {
    it(`of ${layout.colour[2]} × ${layout.colour[3]} fills its place wherever one goes`, () => {
      for (const right of ends)
        for (const down of ends)
          for (const closer of ends) {
            const seen = leaning(layout, 1, [right, down, closer]);
            const halfWidth = (seen.film.camera.width * seen.scale) / 2;
            const halfHeight = (seen.film.camera.height * seen.scale) / 2;
            for (const inverse of [0.3, 0.42, 0.8])
              for (const along of ends) {
                const least = (found: number, half: number) =>
                  expect(found).toBeGreaterThanOrEqual(half - 1e-6);
                least(-lands(seen, [-1, along, inverse])[0], halfWidth);
                least(lands(seen, [1, along, inverse])[0], halfWidth);
                least(-lands(seen, [along, -1, inverse])[1], halfHeight);
                least(lands(seen, [along, 1, inverse])[1], halfHeight);
              }
          }
    });
  }

  it('is as large as the flat picture at rest, and hardly larger as far as one may lean', () => {
    expect(leaning(WIDE, 1, [0, 0, 0]).camera.zoom).toBeCloseTo(1, 6);
    const leaned = leaning(WIDE, 1, [1, 1, 0]).camera.zoom;
    expect(leaned).toBeGreaterThan(1.01);
    expect(leaned).toBeLessThan(1.12);
    expect(leaning(WIDE, 0, [1, 1, 0]).camera.zoom).toBeLessThan(leaned);
  });
});

describe('depth that is still being made', () => {
  const film = { start: 2, reach: () => 6 } as Film;
  const watched = (time: number, shown: boolean, playing = true) =>
    reaches(film, { time, duration: 10 }, { shown, playing });

  it('is taken up with enough of it ahead, and left shortly before its end', () => {
    expect([1, 3, 5].map((time) => watched(time, false))).toEqual([false, true, false]);
    expect([5, 5.7, 5.8].map((time) => watched(time, true))).toEqual([true, true, false]);
    expect(watched(5, false, false)).toBe(true);
  });

  it('is watched to the end of the video once it is there', () => {
    const whole = { start: 0, reach: () => 10 } as Film;
    expect(reaches(whole, { time: 9.9, duration: 10 }, { shown: false, playing: true })).toBe(true);
  });
});
