import { describe, expect, it } from 'vitest';
import { Rig } from '../src/render/rig';

const FRAME_S = 1 / 60;

/** Steps until nothing moves; returns the seconds it took. */
function settle(rig: Rig, most = 120): number {
  let seconds = 0;
  while (rig.step(FRAME_S)) {
    seconds += FRAME_S;
    if (seconds > most) throw new Error('never comes to rest');
  }
  return seconds;
}

const distanceToPivot = (rig: Rig) => {
  const { x, y, z } = rig.position();
  return Math.hypot(x, y, z + 1);
};

describe('Rig', () => {
  it('starts where the photographer stood, at rest', () => {
    const rig = new Rig();
    expect(rig.step(FRAME_S)).toBe(false);
    expect(Math.hypot(...Object.values(rig.position()))).toBeCloseTo(0, 9);
  });

  it('a drag to the right moves the viewer to the left, and ends', () => {
    const rig = new Rig();
    rig.orbitBy(0.1, 0);
    expect(settle(rig)).toBeLessThan(2);
    expect(rig.position().x).toBeLessThan(-0.04);
    expect(distanceToPivot(rig)).toBeCloseTo(1, 6);
  });

  it('leans no further than its limit, however far one drags', () => {
    const rig = new Rig();
    rig.setLimits(0.13, 0.5);
    rig.orbitBy(-50, 50);
    settle(rig);
    const { x, y } = rig.position();
    expect(x).toBeLessThanOrEqual(Math.sin(0.13) + 1e-6);
    expect(y).toBeLessThanOrEqual(Math.sin(0.13) + 1e-6);
    expect(x).toBeGreaterThan(0.1);
  });

  it('stays where it is, where one may not lean at all', () => {
    const rig = new Rig();
    rig.setLimits(0, 0.5);
    rig.orbitBy(-0.3, 0.2);
    settle(rig);
    expect(rig.position()).toEqual({ x: 0, y: 0, z: 0 });
  });

  it('yields less and less towards its limit', () => {
    const reached = [0.1, 0.2, 0.3].map((drag) => {
      const rig = new Rig();
      rig.setLimits(0.13, 0.5);
      rig.orbitBy(-drag, 0);
      settle(rig);
      return rig.lean;
    });
    const [first = 0, second = 0, third = 0] = reached;
    expect(second - first).toBeLessThan(first);
    expect(third - second).toBeLessThan(second - first);
    expect(third).toBeGreaterThan(second);
  });

  it('never moves through the nearest content', () => {
    const rig = new Rig();
    rig.setLimits(0.2, 0.3);
    rig.dollyBy(10);
    settle(rig);
    expect(rig.position().z).toBeGreaterThan(-0.3);
    rig.dollyBy(-10);
    settle(rig);
    expect(rig.position().z).toBeCloseTo(0.3, 3);
  });

  it('pulls back when new content is nearer than the old', () => {
    const rig = new Rig();
    rig.setLimits(0.2, 0.6);
    rig.dollyBy(10);
    settle(rig);
    rig.setLimits(0.2, 0.1);
    settle(rig);
    expect(rig.position().z).toBeGreaterThan(-0.1);
  });

  it('stays where it leans to, whatever is drawn next with the same limits, or with others that bear it', () => {
    for (const lean of [
      (rig: Rig) => rig.leanTo(0.9, -0.5),
      (rig: Rig) => rig.orbitBy(-0.1, 0.05),
    ]) {
      const rig = new Rig();
      rig.setLimits(0.13, 0.5);
      lean(rig);
      settle(rig);
      const { x, y } = rig.position();
      rig.setLimits(0.13, 0.5);
      settle(rig);
      expect([rig.position().x, rig.position().y]).toEqual([
        expect.closeTo(x, 3),
        expect.closeTo(y, 3),
      ]);
    }
  });

  it('goes on at once from where another one is, and no further than its own limits', () => {
    const [depth, splat] = [new Rig(), new Rig()];
    depth.setLimits(0.13, 0.5);
    splat.setLimits(0.2, 0.5);
    splat.leanTo(1, 0.5);
    splat.dollyBy(0.1);
    settle(splat);
    const seen = splat.position();
    depth.stand(splat.leant);
    expect(depth.position()).toEqual(seen);
    settle(depth);
    expect(depth.position().x).toBeLessThan(seen.x);
    expect(depth.position().x).toBeGreaterThan(0.9 * Math.sin(0.13) * 0.9);
    splat.reset(true);
    splat.stand(depth.leant);
    expect(splat.position()).toEqual(depth.position());
  });

  it('reset leads back to the start', () => {
    const rig = new Rig();
    rig.orbitBy(0.2, -0.1);
    rig.dollyBy(0.2);
    settle(rig);
    rig.reset();
    settle(rig);
    expect(Math.hypot(...Object.values(rig.position()))).toBeCloseTo(0, 6);
  });

  it('idle motion is small, and stops by itself where it began', () => {
    const rig = new Rig();
    rig.startSway();
    let widest = 0;
    let seconds = 0;
    while (rig.step(FRAME_S)) {
      widest = Math.max(widest, Math.abs(rig.position().x));
      seconds += FRAME_S;
      expect(seconds).toBeLessThan(60);
    }
    expect(widest).toBeGreaterThan(0.01);
    expect(widest).toBeLessThan(0.05);
    expect(seconds).toBeGreaterThan(10);
    expect(Math.hypot(...Object.values(rig.position()))).toBeCloseTo(0, 6);
  });

  it('idle motion ends at once when somebody takes hold', () => {
    const rig = new Rig();
    rig.startSway();
    for (let i = 0; i < 200; i += 1) rig.step(FRAME_S);
    rig.orbitBy(0, 0);
    expect(settle(rig)).toBeLessThan(1);
  });

  it('a long pause between frames does not throw the camera', () => {
    const rig = new Rig();
    rig.startSway();
    rig.step(FRAME_S);
    const before = rig.position().x;
    rig.step(600);
    expect(Math.abs(rig.position().x - before)).toBeLessThan(0.02);
  });
});
