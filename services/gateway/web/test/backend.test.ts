import { afterEach, describe, expect, it, vi } from 'vitest';
import { chooseBackend, Graphics, type Offer } from '../src/graphics/backend';

/** A browser that gives such an adapter, or none. */
const offer = (adapter: { isFallbackAdapter: boolean } | null) => ({
  requestAdapter: vi.fn<Offer['requestAdapter']>(async () => adapter && { info: adapter }),
});
const DEVICE = { isFallbackAdapter: false };
const PROCESSOR = { isFallbackAdapter: true };

describe('what draws points and depth', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is WebGPU where the browser has a device for it', async () => {
    expect(await chooseBackend('', offer(DEVICE))).toEqual({ backend: 'webgpu', why: 'offered' });
  });

  it('is WebGL 2 where there is no WebGPU, no device, or a processor in its place', async () => {
    const why = async (gpu?: Offer) => (await chooseBackend('', gpu)).why;
    expect(await why(undefined)).toBe('missing');
    expect(await why(offer(null))).toBe('refused');
    expect(await why({ requestAdapter: () => Promise.reject(new Error('no')) })).toBe('refused');
    expect(await why(offer(PROCESSOR))).toBe('software');
  });

  it('is WebGL 2 where the browser does not answer in time', async () => {
    vi.useFakeTimers();
    const choosing = chooseBackend('', { requestAdapter: () => new Promise(() => {}) });
    await vi.runAllTimersAsync();
    expect(await choosing).toEqual({ backend: 'webgl2', why: 'late' });
  });

  it('is what the address asks for, as far as it can be', async () => {
    const gpu = offer(DEVICE);
    const asked = { backend: 'webgl2', why: 'asked' };
    expect(await chooseBackend('?graphics=webgl2', gpu)).toEqual(asked);
    expect(gpu.requestAdapter).not.toHaveBeenCalled();
    const inSoftware = await chooseBackend('?graphics=webgpu', offer(PROCESSOR));
    expect(inSoftware).toEqual({ backend: 'webgpu', why: 'asked' });
    expect((await chooseBackend('?graphics=webgpu', offer(null))).why).toBe('refused');
    expect((await chooseBackend('?graphics=other', offer(DEVICE))).why).toBe('offered');
  });

  it('is chosen once, and WebGL 2 for good after WebGPU was given up', async () => {
    const ask = vi.fn(async () => ({ backend: 'webgpu', why: 'offered' }) as const);
    const graphics = new Graphics(ask);
    const both = await Promise.all([graphics.choose(), graphics.choose()]);
    expect(both.map(({ backend }) => backend)).toEqual(['webgpu', 'webgpu']);
    expect(ask).toHaveBeenCalledOnce();
    graphics.giveUp('lost');
    expect(await graphics.choose()).toEqual({ backend: 'webgl2', why: 'lost' });
    expect(graphics.choice?.why).toBe('lost');
  });
});
