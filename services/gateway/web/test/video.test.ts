import { describe, expect, it } from 'vitest';
import type { Asset } from '../src/api/schema';
import { parseHash } from '../src/router';
import { clockWords } from '../src/ui/words';
import { asLayout, bestDepth, fpsOf, startOf, stripOf, timesOf } from '../src/video/assets';
import { nextRate, readLiking } from '../src/video/liking';
import { rateSeen, stepTo, tileAt } from '../src/video/moments';
import { mediaType } from '../src/video/parts';

const asset = (values: Partial<Asset>): Asset => ({
  key: 'depth-video-vda-small',
  kind: 'depth-video',
  model_key: 'vda-small',
  model_revision: '',
  requested_model: 'auto',
  reason: '',
  metric: false,
  outdated: false,
  created_at: '2026-01-01T00:00:00Z',
  camera: null,
  depth: null,
  params: {},
  timings: {},
  losses: [],
  details: {},
  files: [],
  ...values,
});

describe('the address', () => {
  it('leads to the videos and to one of them', () => {
    expect(parseHash('#/videos')).toEqual({ view: 'videos' });
    expect(parseHash('#/video/a-1')).toEqual({ view: 'video', id: 'a-1' });
    expect(parseHash('#/photo/a-1')).toEqual({ view: 'photo', id: 'a-1' });
    expect(parseHash('#/video/')).toEqual({ view: 'gallery' });
  });
});

describe('a step by a frame', () => {
  it('leads to the middle of the frame beside the one shown, however it is told', () => {
    expect(stepTo(0, 1, 10, [])).toBeCloseTo(0.15);
    expect(stepTo(0.15, 1, 10, [])).toBeCloseTo(0.25);
    expect(stepTo(0.3, -1, 10, [])).toBeCloseTo(0.25);
    expect(stepTo(0.299999, -1, 10, [])).toBeCloseTo(0.25);
    expect(stepTo(0, -1, 10, [])).toBe(0);
  });

  it('takes thirty a second where nobody knows', () => {
    expect(stepTo(1, 1, 0, [])).toBeCloseTo(31.5 / 30);
  });

  it('takes as many as were seen, but for jumps', () => {
    expect(rateSeen(1, 1.04, false)).toBeCloseTo(25);
    expect(rateSeen(1, 1.04, true)).toBe(0);
    expect(rateSeen(1, 0.5, false)).toBe(0);
    expect(rateSeen(1, 1, false)).toBe(0);
    expect(rateSeen(Number.POSITIVE_INFINITY, 1, false)).toBe(0);
  });

  it('follows frames that are not as long as one another', () => {
    const times = [0, 0.1, 0.5, 0.6];
    expect(stepTo(0, 1, 10, times)).toBeCloseTo(0.3);
    expect(stepTo(0.3, 1, 10, times)).toBeCloseTo(0.55);
    expect(stepTo(0.5, -1, 10, times)).toBeCloseTo(0.3);
    expect(stepTo(0.6, 1, 10, times)).toBeCloseTo(0.65);
    expect(stepTo(0, -1, 10, times)).toBeCloseTo(0.05);
  });

  it('is not led astray by moments told to the millisecond', () => {
    const times = [0, 0.033, 0.067, 0.1];
    expect(stepTo(1 / 30, 1, 30, times)).toBeCloseTo(0.0835);
    expect(stepTo(2 / 30, -1, 30, times)).toBeCloseTo(0.05);
  });
});

describe('thumbnails of a film', () => {
  const strip = { columns: 4, rows: 2, tile: [96, 54] as [number, number], every_s: 2 };

  it('lie row by row', () => {
    expect(tileAt(strip, 0)).toEqual([0, 0]);
    expect(tileAt(strip, 3.9)).toEqual([96, 0]);
    expect(tileAt(strip, 8)).toEqual([0, 54]);
  });

  it('end with the last, before and after the film', () => {
    expect(tileAt(strip, -1)).toEqual([0, 0]);
    expect(tileAt(strip, 1000)).toEqual([288, 54]);
  });
});

describe('what was made of a video', () => {
  it('is shown in its newest form that is not outdated', () => {
    const old = asset({ key: 'old', created_at: '2025-01-01T00:00:00Z' });
    const outdated = asset({ key: 'outdated', created_at: '2027-01-01T00:00:00Z', outdated: true });
    expect(bestDepth([outdated, old, asset({ kind: 'splat' })])?.key).toBe('old');
    expect(bestDepth([])).toBeNull();
    const part = asset({ key: 'part', params: { range: { fromS: 1, toS: 2 } } });
    expect(bestDepth([part, old])?.key).toBe('old');
    expect(bestDepth([part, outdated])?.key).toBe('part');
  });

  it('is played only where colour and depth lie within the film', () => {
    const layout = { width: 400, height: 96, colour: [0, 0, 160, 96], depth: [192, 0, 160, 96] };
    expect(asLayout({ ...layout, gutter: 16 })).toEqual(layout);
    const nonsense = [null, 'wide', {}, { ...layout, depth: [300, 0, 160, 96] }];
    for (const told of [
      ...nonsense,
      { ...layout, colour: ['0', 0, 1, 1] },
      { ...layout, width: 0 },
    ])
      expect(asLayout(told)).toBeNull();
  });

  it('has a strip and a rate only where they can be used', () => {
    const strip = { columns: 4, rows: 2, tile: [96, 54], every_s: 2 };
    expect(stripOf(asset({ details: { strip } }))).toEqual(strip);
    for (const told of [undefined, {}, { ...strip, tile: [96] }, { ...strip, every_s: 0 }])
      expect(stripOf(asset({ details: { strip: told } }))).toBeNull();
    expect(fpsOf(asset({ details: { video: { fps: 29.97 } } }))).toBe(29.97);
    expect(fpsOf(asset({ details: { video: { fps: 'fast' } } }))).toBe(0);
  });

  it('begins where the part begins that it was made of', () => {
    expect(startOf({})).toBe(0);
    expect(startOf({ range: { fromS: 5, toS: 20 } })).toBe(5);
    expect(startOf({ range: { toS: 20 } })).toBe(0);
  });

  it('tells when its frames are shown', () => {
    expect(timesOf({ frames: [{ time_ms: 0 }, { time_ms: 40 }] })).toEqual([0, 0.04]);
    expect(timesOf({ frames: [{ time_ms: 0 }, { time_ms: 40 }] }, 5)).toEqual([5, 5.04]);
    for (const told of [null, {}, { frames: [{ time_ms: 40 }, { time_ms: 0 }] }, { frames: [{}] }])
      expect(timesOf(told)).toEqual([]);
  });
});

describe('how somebody likes to watch', () => {
  it('is read as far as it can be used', () => {
    const usual = { volume: 1, muted: false, rate: 1, loop: false, strength: 1 };
    for (const kept of [null, '', '{', '3', 'null', '[]', '{"rate": 7, "volume": -1, "loop": 1}'])
      expect(readLiking(kept)).toEqual(usual);
    const liking = { volume: 0.5, muted: true, rate: 1.5, loop: true, strength: 0.2 };
    expect(readLiking(JSON.stringify(liking))).toEqual(liking);
  });

  it('has speeds that end', () => {
    expect(nextRate(1, 1)).toBe(1.25);
    expect(nextRate(2, 1)).toBe(2);
    expect(nextRate(0.25, -1)).toBe(0.25);
  });
});

describe('a film in parts', () => {
  const head = (...names: string[]) => {
    const bytes = names.flatMap((name) => [...name].map((letter) => letter.charCodeAt(0)));
    return Uint8Array.from([0, 0, 0, 40, ...bytes, 1, 0x64, 0, 0x1f]);
  };

  it('is of the media type that its head describes', () => {
    expect(mediaType(head('avc1', 'avcC'))).toBe('video/mp4; codecs="avc1.64001f"');
    expect(mediaType(head('mp4a', 'avcC'))).toBe('video/mp4; codecs="avc1.64001f, mp4a.40.2"');
    const mp3 = [0, 0, 0, 0, 3, 0x80, 0x80, 0x19, 0, 1, 0, 4, 0x11, 0x6b];
    const withMp3 = Uint8Array.from([...head('mp4a', 'avcC'), ...head('esds').slice(4, 8), ...mp3]);
    expect(mediaType(withMp3)).toBe('video/mp4; codecs="avc1.64001f, mp4a.6b"');
    expect(() => mediaType(head('hvcC'))).toThrow('not H.264');
  });
});

describe('a place in a video', () => {
  it('is told as on a clock', () => {
    const words = [0, 7.9, 754, 3723].map(clockWords);
    expect(words).toEqual(['0:00', '0:07', '12:34', '1:02:03']);
  });
});
