import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { graphics } from '../src/graphics/backend';
import { openWebGpu, unlessGivenUp } from '../src/graphics/open';
import type { Drawing } from '../src/graphics/surface';

const opened = vi.hoisted(() => vi.fn());
vi.mock('../src/graphics/webgpu', () => ({
  WebGpuSurface: { open: opened },
  pointsByNodes: () => null,
  layerByNodes: null,
}));

const CANVAS = {} as HTMLCanvasElement;

/** A browser whose adapter gives such a device. */
const browserWith = (requestDevice: () => Promise<{ destroy(): void }>) =>
  vi.stubGlobal('navigator', {
    gpu: { requestAdapter: async () => ({ limits: {}, requestDevice }) },
  });

describe('a canvas that WebGPU draws on', () => {
  const dispose = vi.fn();
  const destroy = vi.fn();

  beforeEach(() => {
    vi.stubGlobal('location', { search: '' });
    browserWith(async () => ({ destroy }));
    graphics.choice = { backend: 'webgpu', why: 'offered' };
    opened.mockImplementation(async () => ({ dispose }));
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
    vi.clearAllMocks();
  });

  it('is opened with a device of its own', async () => {
    expect(await openWebGpu(CANVAS, () => {})).not.toBeNull();
    expect(graphics.choice?.backend).toBe('webgpu');
    expect(destroy).not.toHaveBeenCalled();
  });

  it('is given to WebGL 2 where its device does not come in time, and a late one is given back', async () => {
    vi.useFakeTimers();
    let come = (_: { destroy(): void }) => {};
    browserWith(() => new Promise((resolve) => (come = resolve)));
    const opening = openWebGpu(CANVAS, () => {});
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await opening).toBeNull();
    expect(graphics.choice).toEqual({ backend: 'webgl2', why: 'late' });
    come({ destroy });
    await vi.advanceTimersByTimeAsync(0);
    expect(destroy).toHaveBeenCalledOnce();
    expect(opened).not.toHaveBeenCalled();
  });

  it('is given to WebGL 2 where it cannot be opened', async () => {
    opened.mockRejectedValue(new Error('no room'));
    expect(await openWebGpu(CANVAS, () => {})).toBeNull();
    expect(graphics.choice).toEqual({ backend: 'webgl2', why: 'failed' });
  });

  it('is let go of where WebGPU was given up while something else was waited for', () => {
    const drawing = { surface: { dispose } } as unknown as Drawing;
    expect(unlessGivenUp(drawing)).toBe(drawing);
    expect(dispose).not.toHaveBeenCalled();
    graphics.giveUp('lost');
    expect(unlessGivenUp(drawing)).toBeNull();
    expect(dispose).toHaveBeenCalledOnce();
    expect(unlessGivenUp(null)).toBeNull();
  });
});
