import { describe, expect, it } from 'vitest';
import { aspectOf, guessProjection, partsOf } from '../../src/xr/projection';

const guess = (name: string, width = 1920, height = 1080, projection: string | null = null) => {
  const { shape, layout, crossed, half } = guessProjection({ name, width, height, projection });
  return [shape, layout, half && 'half', crossed && 'crossed'].filter(Boolean).join(' ');
};

describe('what a film is made for', () => {
  it('is told by its name, as players name them', () => {
    expect(guess('holiday.mp4')).toBe('flat mono');
    expect(guess('film_LRF_Full_SBS.mp4', 3840, 1080)).toBe('flat sbs');
    expect(guess('film_LR.mp4')).toBe('flat sbs half');
    expect(guess('film.hsbs.mkv')).toBe('flat sbs half');
    expect(guess('film_TB.mp4')).toBe('flat tb half');
    expect(guess('film_TBF_fulltb.mp4', 1920, 2160)).toBe('flat tb');
    expect(guess('film_RLF_cross.mp4', 3840, 1080)).toBe('flat sbs crossed');
    expect(guess('dive_180x180_LR.mp4', 5760, 2880)).toBe('180 sbs');
    expect(guess('dive_180.mp4', 5760, 2880)).toBe('180 sbs');
    expect(guess('VR180 dive.mp4', 2880, 2880)).toBe('180 mono');
    expect(guess('tour_360_TB.mp4', 3840, 3840)).toBe('360 tb');
    expect(guess('tour_360.mp4', 3840, 1920)).toBe('360 mono');
  });

  it('is told by the library before its name, and by its size where both eyes are in it', () => {
    expect(guess('R0010023.MP4', 3840, 1920, 'equirectangular')).toBe('360 mono');
    expect(guess('R0010023.MP4', 4096, 4096, 'equirectangular')).toBe('360 tb');
    expect(guess('clip.mp4', 5760, 2880, 'half_equirectangular')).toBe('180 sbs');
  });

  it('is not read into other words', () => {
    expect(guess('Albert in Labour 2018.mp4')).toBe('flat mono');
    expect(guess('IMG_3601.mp4')).toBe('flat mono');
    expect(guess('1804 Grand Ave.mp4')).toBe('flat mono');
  });

  it('gives each eye its part', () => {
    const sbs = partsOf(
      guessProjection({ name: 'a_LR.mp4', width: 1920, height: 1080, projection: null }),
    );
    expect(sbs.left).toEqual([0, 0, 0.5, 1]);
    expect(sbs.right).toEqual([0.5, 0, 0.5, 1]);
    const tb = partsOf(
      guessProjection({ name: 'a_TB.mp4', width: 1920, height: 1080, projection: null }),
    );
    expect(tb.left).toEqual([0, 0.5, 1, 0.5]);
    const crossed = partsOf(
      guessProjection({ name: 'a_RL.mp4', width: 1920, height: 1080, projection: null }),
    );
    expect(crossed.left).toEqual([0.5, 0, 0.5, 1]);
  });

  it('keeps the shape of what is seen, squeezed or not', () => {
    const half = guessProjection({ name: 'a_LR.mp4', width: 1920, height: 1080, projection: null });
    expect(aspectOf(half, 1920, 1080)).toBeCloseTo(16 / 9);
    const whole = guessProjection({
      name: 'a_LRF.mp4',
      width: 3840,
      height: 1080,
      projection: null,
    });
    expect(aspectOf(whole, 3840, 1080)).toBeCloseTo(16 / 9);
    const tb = guessProjection({
      name: 'a_fulltb.mp4',
      width: 1920,
      height: 2160,
      projection: null,
    });
    expect(aspectOf(tb, 1920, 2160)).toBeCloseTo(16 / 9);
  });
});
