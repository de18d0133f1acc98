import { describe, expect, it } from 'vitest';
import { budgetFor, levelsFor } from '../../src/xr/levels';
import { comfortableMedian, placePhoto, presenceAt, SCALES, stepScale } from '../../src/xr/place';
import { bend, screenFor, spreadOf } from '../../src/xr/screenShape';
import { reasonAgainst } from '../../src/xr/support';
import { EFFORTS, Watchdog } from '../../src/xr/watchdog';

const camera = { fx: 980, width: 1000, height: 700 };
const measured = { nearest: 3, median: 8, metric: true, trust: 1, camera };

describe('a photo as a place', () => {
  it('has its true size where its depth is in metres', () => {
    expect(placePhoto(measured).scale).toBe(1);
    expect(placePhoto(measured).reach).toBeCloseTo(0.36);
  });

  it('is made comfortable to look at where nothing tells its size', () => {
    const { scale } = placePhoto({ ...measured, metric: false });
    expect(8 * scale).toBeCloseTo(2.5);
    expect(
      placePhoto({ ...measured, median: 800, nearest: 300, metric: false }).scale * 800,
    ).toBeCloseTo(2.5);
  });

  it('is farther away through a long lens, within what is comfortable', () => {
    expect(comfortableMedian({ ...camera, fx: 1960 })).toBeCloseTo(5);
    expect(comfortableMedian({ ...camera, fx: 20_000 })).toBe(8);
    expect(comfortableMedian({ ...camera, fx: 200 })).toBe(1.5);
  });

  it('may be stepped into less where its depth is less known, and never far', () => {
    const whole = placePhoto(measured).reach;
    expect(placePhoto({ ...measured, trust: 0.6 }).reach).toBeCloseTo(whole * 0.6);
    expect(placePhoto({ ...measured, nearest: 100, median: 300 }).reach).toBeLessThanOrEqual(0.6);
    expect(placePhoto({ ...measured, nearest: 0.01 }).reach).toBeGreaterThan(0);
  });

  it('fades towards the end of the safe box, never at once', () => {
    expect(presenceAt(0, 0.3)).toBe(1);
    expect(presenceAt(0.2, 0.3)).toBe(1);
    const edge = presenceAt(0.3, 0.3);
    expect(edge).toBeGreaterThan(0.2);
    expect(edge).toBeLessThan(0.8);
    expect(presenceAt(0.5, 0.3)).toBe(0);
    let before = 1;
    for (let d = 0; d < 0.5; d += 0.005) {
      const now = presenceAt(d, 0.3);
      expect(before - now).toBeLessThan(0.07);
      before = now;
    }
  });

  it('is made smaller and larger step by step, with ends', () => {
    expect(stepScale(1, 1)).toBe(1.4);
    expect(stepScale(SCALES.at(-1) as number, 1)).toBe(SCALES.at(-1));
    expect(stepScale(SCALES[0] as number, -1)).toBe(SCALES[0]);
    expect(placePhoto(measured, 2)).toEqual({ scale: 2, reach: 0.6 });
  });
});

describe('a screen', () => {
  const source = { fx: 500, fy: 500, cx: 400, cy: 300, width: 1000, height: 600 };

  it('fills what the camera saw, at any distance', () => {
    const spread = spreadOf(source);
    expect(spread).toEqual({ left: -0.8, right: 1.2, bottom: -0.6, top: 0.6 });
    const { width, height, right } = screenFor(spread, 2);
    expect([width, height, right]).toEqual([4, 2.4, 0.3999999999999999]);
  });

  it('stays as far away in its middle and as long as it was, bent or not', () => {
    expect(bend(0.7, 2.5, 0)).toEqual({ x: 0.7, z: -2.5 });
    expect(bend(0, 2.5, 0.5).z).toBeCloseTo(-2.5);
    const end = bend(1, 2.5, 1);
    expect(Math.hypot(end.x, end.z)).toBeCloseTo(2.5);
    let length = 0;
    for (let i = 0; i < 100; i += 1) {
      const [a, b] = [bend(i / 100, 2.5, 0.5), bend((i + 1) / 100, 2.5, 0.5)];
      length += Math.hypot(b.x - a.x, b.z - a.z);
    }
    expect(length).toBeCloseTo(1, 3);
    expect(bend(1, 2.5, 0.5).z).toBeGreaterThan(-2.5);
  });
});

const file = (variant: string, size: number, format = 'spz') => ({
  name: `${variant}.${format}`,
  role: 'splat',
  format,
  variant,
  size,
  sha256: '',
  media_type: '',
  url: '',
  download_name: '',
});

describe('levels of a splat', () => {
  const files = [file('full', 12_000_000), file('light', 800_000), file('medium', 3_400_000)];
  const names = (splats: number, quality: 'auto' | 'light' | 'full' = 'auto') =>
    levelsFor(files, splats, quality).map(({ variant }) => variant);

  it('are the lightest at once, then the best that the device bears', () => {
    expect(names(400_000)).toEqual(['light', 'medium']);
    expect(names(1_500_000)).toEqual(['light', 'full']);
    expect(names(50_000)).toEqual(['light']);
    expect(names(400_000, 'full')).toEqual(['light', 'full']);
    expect(names(1_500_000, 'light')).toEqual(['light']);
  });

  it('are found where nothing is called light, and of formats alone that are read', () => {
    const others = [file('full', 9_000_000), file('', 99, 'sog'), file('small', 100_000, 'splat')];
    expect(levelsFor(others, 1e6, 'auto').map(({ name }) => name)).toEqual([
      'small.splat',
      'full.spz',
    ]);
    expect(levelsFor([file('full', 1, 'glb')], 1e6, 'auto')).toEqual([]);
  });

  it('start at 400,000 splats on a headset without a computer, or at what was asked for', () => {
    const quest = 'Mozilla/5.0 (X11; Linux x86_64; Quest 3) OculusBrowser/38';
    expect(budgetFor(quest, null)).toEqual({ splats: 400_000, standalone: true });
    expect(budgetFor('Mozilla/5.0 (Windows NT 10.0) Chrome/140', null).splats).toBeGreaterThan(1e6);
    expect(budgetFor(quest, 3000).splats).toBe(3000);
  });
});

describe('the watchdog', () => {
  const run = (dog: Watchdog, frames: number, since: number, busy: number) =>
    Array.from({ length: frames }, () => dog.frame(since, busy)).filter(Boolean);

  it('is content while frames come in time', () => {
    const dog = new Watchdog(90);
    expect(run(dog, 1000, 1 / 90, 0.004)).toEqual([]);
    expect(dog.step).toBe(0);
  });

  it('forgives single late frames, as while something is loaded', () => {
    const dog = new Watchdog(90);
    for (let i = 0; i < 50; i += 1) {
      run(dog, 9, 1 / 90, 0.004);
      run(dog, 1, 0.1, 0.004);
    }
    expect(dog.step).toBe(0);
  });

  it('asks less before frames are dropped, once there is no room in them', () => {
    const dog = new Watchdog(72);
    expect(run(dog, 100, 1 / 72, 0.012)).toEqual(['lower']);
    expect(dog.effort.foveation).toBeGreaterThan((EFFORTS[0] as { foveation: number }).foveation);
  });

  it('asks less and less while three of ten frames are late, each time after a while', () => {
    const dog = new Watchdog(72);
    const verdicts = run(dog, 2000, 1 / 40, 0.004);
    expect(verdicts.length).toBe(EFFORTS.length - 1);
    expect(dog.effort.splats).toBeLessThan(1);
    expect(dog.effort.viewport).toBeLessThan(1);
  });

  it('leaves splats for the flat picture where nothing helps', () => {
    const dog = new Watchdog(72);
    expect(run(dog, 1000, 0.2, 0.19)).toContain('flat');
  });
});

describe('the door', () => {
  const xr = (answer: boolean | Error) => ({
    isSessionSupported: async () => {
      if (answer instanceof Error) throw answer;
      return answer;
    },
    requestSession: async () => {
      throw new Error('not here');
    },
  });
  const good = { secure: true, webgl: true, xr: xr(true) };

  it('is open where the browser can', async () => {
    expect(await reasonAgainst(good)).toBeNull();
  });

  it('says in one sentence why it is not', async () => {
    const reasons = await Promise.all([
      reasonAgainst({ ...good, secure: false, xr: undefined }),
      reasonAgainst({ ...good, xr: undefined }),
      reasonAgainst({ ...good, webgl: false }),
      reasonAgainst({ ...good, xr: xr(false) }),
      reasonAgainst({ ...good, xr: xr(new Error('SecurityError')) }),
    ]);
    expect(new Set(reasons).size).toBe(5);
    for (const reason of reasons) expect(reason).toMatch(/^[A-Z][^.]*\.$/);
    expect(reasons[0]).toMatch(/https.*--tls/);
  });
});
