import { afterEach, describe, expect, it, vi } from 'vitest';
import { askForBackend, Graphics, type Offer } from '../src/graphics/backend';

/** A browser that gives such an adapter, or none. */
const offer = (adapter: { isFallbackAdapter: boolean } | null) => ({
  requestAdapter: vi.fn<Offer['requestAdapter']>(async () => adapter && { info: adapter }),
});
const chooseBackend = (search: string, gpu?: Offer) => askForBackend(search, gpu)();
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

  it('is WebGPU also where a browser does not say what does the work, or says it elsewhere', async () => {
    const of = (adapter: { isFallbackAdapter?: boolean }) =>
      chooseBackend('', { requestAdapter: async () => adapter });
    expect(await of({})).toEqual({ backend: 'webgpu', why: 'offered' });
    expect(await of(DEVICE)).toEqual({ backend: 'webgpu', why: 'offered' });
    expect(await of(PROCESSOR)).toEqual({ backend: 'webgl2', why: 'software' });
  });

  it('is WebGL 2 where WebGPU cannot even be asked for', async () => {
    const refused = { backend: 'webgl2', why: 'refused' };
    const broken = new Graphics(() => {
      throw new TypeError('no such thing');
    });
    broken.ask();
    expect(await broken.choose()).toEqual(refused);
    const falling = new Graphics(() => () => Promise.reject(new TypeError('no such thing')));
    expect(await falling.choose()).toEqual(refused);
    expect(falling.choice).toEqual(refused);
  });

  it('is asked for early, and waited for from when somebody needs it', async () => {
    vi.useFakeTimers();
    let answer = (_: { isFallbackAdapter: boolean }) => {};
    const requestAdapter = vi.fn(
      () => new Promise<{ isFallbackAdapter: boolean }>((resolve) => (answer = resolve)),
    );
    const graphics = new Graphics(() => askForBackend('', { requestAdapter }));
    graphics.ask();
    expect(requestAdapter).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(60_000);
    const choosing = graphics.choose();
    await vi.advanceTimersByTimeAsync(400);
    answer(DEVICE);
    expect(await choosing).toEqual({ backend: 'webgpu', why: 'offered' });
    expect(requestAdapter).toHaveBeenCalledOnce();
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
    const ask = vi.fn(() => async () => ({ backend: 'webgpu', why: 'offered' }) as const);
    const graphics = new Graphics(ask);
    const both = await Promise.all([graphics.choose(), graphics.choose()]);
    expect(both.map(({ backend }) => backend)).toEqual(['webgpu', 'webgpu']);
    expect(ask).toHaveBeenCalledOnce();
    graphics.giveUp('lost');
    expect(await graphics.choose()).toEqual({ backend: 'webgl2', why: 'lost' });
    expect(graphics.choice?.why).toBe('lost');
  });
});
