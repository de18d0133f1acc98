import { describe, expect, it } from 'vitest';
import { headingOf, radians, textHeight, wrap } from '../../src/xr/angles';
import { isClick } from '../../src/xr/clicking';
import { Flick, pushed, Vignette } from '../../src/xr/comfort';
import { boundedStep } from '../../src/xr/ground';
import { asLikings, nextRows, USUAL } from '../../src/xr/likings';

describe('where one looks', () => {
  it('is told by the eyes, and by the top of the head where they look up or down', () => {
    expect(headingOf({ x: 1, y: 0.2, z: 0 }, { x: 0, y: 1, z: 0 })).toBeCloseTo(radians(90));
    // Looking at the ceiling while standing towards -z, the head leans back.
    expect(headingOf({ x: 0, y: 1, z: 0 }, { x: 0, y: 0, z: 1 })).toBeCloseTo(0);
    expect(headingOf({ x: 0, y: -1, z: 0 }, { x: 1, y: 0, z: 0 })).toBeCloseTo(radians(90));
  });

  it('turns past the back without a jump', () => {
    expect(wrap(radians(190))).toBeCloseTo(radians(-170));
    expect(wrap(radians(-190))).toBeCloseTo(radians(170));
    expect(wrap(radians(720))).toBeCloseTo(0);
  });
});

describe('a thumbstick', () => {
  it('turns by one step for each push, however long it is held', () => {
    const flick = new Flick();
    expect([0.9, 1, 0.6, 0.8, 0.1, -0.9].map((value) => flick.take(value))).toEqual([
      1, 0, 0, 0, 0, -1,
    ]);
  });

  it('does nothing where it rests by itself', () => {
    expect(pushed(0.1)).toBe(0);
    expect(pushed(1)).toBe(1);
    expect(pushed(-1)).toBe(-1);
    expect(pushed(0.2)).toBeLessThan(0.1);
  });
});

describe('walking in a photo', () => {
  it('ends at the safe box, and leads back from beyond it', () => {
    const reach = 0.3;
    expect(boundedStep({ x: 0, z: 0 }, { x: 0.1, z: 0 }, reach)).toEqual({ x: 0.1, z: 0 });
    const stopped = boundedStep({ x: 0.28, z: 0 }, { x: 0.1, z: 0 }, reach);
    expect(0.28 + stopped.x).toBeCloseTo(reach);
    const outside = boundedStep({ x: 0.5, z: 0 }, { x: 0.1, z: 0 }, reach);
    expect(0.5 + outside.x).toBeCloseTo(0.5);
    expect(boundedStep({ x: 0.5, z: 0 }, { x: -0.1, z: 0 }, reach)).toEqual({ x: -0.1, z: 0 });
  });

  it('darkens the edge at once, and clears it slowly', () => {
    const vignette = new Vignette();
    vignette.step(true, 0.15);
    const dark = vignette.amount;
    expect(dark).toBeGreaterThan(0.6);
    vignette.step(false, 0.15);
    expect(vignette.amount).toBeGreaterThan(0.3);
    for (let i = 0; i < 40; i += 1) vignette.step(false, 0.1);
    expect(vignette.amount).toBe(0);
  });
});

describe('a press', () => {
  it('is a choice, unless the ray was moved or held for long', () => {
    expect(isClick(radians(1), 0.2)).toBe(true);
    expect(isClick(radians(6), 0.2)).toBe(false);
    expect(isClick(0, 3)).toBe(false);
  });
});

describe('what one likes', () => {
  it('is read as far as it can be understood', () => {
    expect(asLikings(null)).toEqual(USUAL);
    expect(asLikings('{"leftHanded":true,"rows":4,"quality":"light"}')).toEqual({
      ...USUAL,
      leftHanded: true,
      rows: 4,
      quality: 'light',
    });
    expect(asLikings('{"rows":99,"quality":7}')).toEqual(USUAL);
    expect(asLikings('no')).toEqual(USUAL);
  });

  it('goes round among the rows that there are', () => {
    let rows = 2;
    const seen = new Set<number>();
    for (let i = 0; i < 4; i += 1) {
      rows = nextRows(rows);
      seen.add(rows);
    }
    expect([...seen].sort()).toEqual([2, 3, 4, 5]);
  });
});

it('text of 1.2 degrees is 4.6 cm high on a wall 2.2 m away', () => {
  expect(textHeight(2.2)).toBeCloseTo(0.0461, 3);
});
