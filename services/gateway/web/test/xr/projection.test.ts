import { describe, expect, it } from 'vitest';
import { aspectOf, guessProjection, partsOf } from '../../src/xr/projection';

const film = (name: string, width = 1920, height = 1080, projection: string | null = null) =>
  guessProjection({ kind: 'video', name, width, height, projection });
const guess = (...told: Parameters<typeof film>) => {
  const { shape, layout, crossed, half } = film(...told);
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

  it('is not told by a number or a word that its picture does not bear out', () => {
    expect(guess('Foto (180).mp4')).toBe('flat mono');
    expect(guess('lap 360.mp4')).toBe('flat mono');
    expect(guess('mer ou montagne.mp4')).toBe('flat mono');
    expect(guess('phone_LR.mp4', 1080, 1920)).toBe('flat mono');
  });

  it('is told of a photo by the library alone, whatever its name', () => {
    const photo = (name: string, width: number, height: number, projection: string | null = null) =>
      guessProjection({ kind: 'photo', name, width, height, projection });
    for (const name of ['Foto (180).jpg', 'DSC01-LR.jpg', 'mer OU montagne.jpg', 'IMG 360.jpg'])
      for (const [width, height] of [
        [4000, 3000],
        [4000, 2000],
        [3000, 3000],
      ] as const)
        expect(photo(name, width, height)).toMatchObject({ shape: 'flat', layout: 'mono' });
    const sphere = photo('DSC01-LR.jpg', 8000, 4000, 'EQUIRECTANGULAR');
    expect(sphere).toMatchObject({ shape: '360', layout: 'mono', crossed: false });
  });

  it('gives each eye its part', () => {
    const sbs = partsOf(film('a_LR.mp4'));
    expect(sbs.left).toEqual([0, 0, 0.5, 1]);
    expect(sbs.right).toEqual([0.5, 0, 0.5, 1]);
    const tb = partsOf(film('a_TB.mp4'));
    expect(tb.left).toEqual([0, 0.5, 1, 0.5]);
    const crossed = partsOf(film('a_RL.mp4'));
    expect(crossed.left).toEqual([0.5, 0, 0.5, 1]);
  });

  it('keeps the shape of what is seen, squeezed or not', () => {
    const half = film('a_LR.mp4');
    expect(aspectOf(half, 1920, 1080)).toBeCloseTo(16 / 9);
    const whole = film('a_LRF.mp4', 3840, 1080);
    expect(aspectOf(whole, 3840, 1080)).toBeCloseTo(16 / 9);
    const tb = film('a_fulltb.mp4', 1920, 2160);
    expect(aspectOf(tb, 1920, 2160)).toBeCloseTo(16 / 9);
  });
});
