import { expect, it } from 'vitest';
import { Slides } from '../../src/xr/slides';

const STEP_S = 0.1;
const seconds = (slides: Slides, many: number, still = true) => {
  let due = 0;
  for (let i = 0; i < many / STEP_S; i += 1) if (slides.step(STEP_S, still)) due += 1;
  return due;
};

it('goes on once each time a photo was looked at long enough', () => {
  const slides = new Slides();
  expect(seconds(slides, 20)).toBe(0);
  slides.toggle();
  expect(seconds(slides, 7.5)).toBe(0);
  expect(seconds(slides, 1)).toBe(1);
  expect(seconds(slides, 1)).toBe(0);
});

it('waits while something is on its way, and begins anew with another photo', () => {
  const slides = new Slides();
  slides.toggle();
  expect(seconds(slides, 30, false)).toBe(0);
  seconds(slides, 7);
  slides.begin();
  expect(seconds(slides, 7)).toBe(0);
});
