import { describe, expect, it, vi } from 'vitest';
import type { Api } from '../src/api/client';
import type { Asset, SourceCamera } from '../src/api/schema';
import type { DeviceCanvas } from '../src/photo/deviceCanvas';
import { Loader } from '../src/photo/loader';
import type { Viewport } from '../src/render/viewport';
import type { Settings } from '../src/settings/settings';

const file = (variant: string, size: number) => ({
  role: 'splat',
  format: 'spz',
  variant,
  size,
  name: `${variant}.spz`,
  url: variant,
});
const ASSET = {
  kind: 'splat',
  model_key: 'sharp',
  files: [file('light', 1), file('lod-300000', 2), file('full', 3)],
} as unknown as Asset;
const look = { gaussianSplat: { defaultQuality: 'light' }, animationDuration: 0 };

vi.stubGlobal('navigator', {});

/** A loader whose files come, unless `fate` says that one fails or never comes. */
function setUp(fate: Record<string, 'fails' | 'waits'> = {}) {
  const shown: string[] = [];
  const asked: string[] = [];
  const bytes = (url: string, _: unknown, signal: AbortSignal) =>
    new Promise<Uint8Array>((resolve, reject) => {
      asked.push(url);
      signal.addEventListener('abort', () => reject(signal.reason));
      if (signal.aborted) reject(signal.reason);
      if (fate[url] === 'fails') reject(new Error('it did not come'));
      if (!fate[url]) resolve(new Uint8Array());
    });
  const viewport = {
    setTrust: () => {},
    awaitSplats: () => {},
    setSplats: async (_: Uint8Array, name: string) => {
      shown.push(name);
    },
  } as unknown as Viewport;
  const loader = new Loader(
    { bytes } as unknown as Api,
    { look } as unknown as Settings,
    { viewport } as DeviceCanvas,
    9,
    async () => viewport,
  );
  const load = (areSeen: boolean, signal = new AbortController().signal) =>
    loader.splats(ASSET, {} as SourceCamera, signal, areSeen, {
      loading: () => {},
      shown: () => {},
    });
  return { loader, load, shown, asked };
}

describe('the detail that somebody chooses', () => {
  it('is to come until it is seen, and is offered no more then', async () => {
    const { loader, load, shown } = setUp();
    await load(false);
    expect(loader.isChoiceToCome(ASSET)).toBe(false);
    expect(loader.otherQualities(ASSET, false)).toEqual(['medium', 'full']);
    loader.chosen = 'full';
    expect(loader.isChoiceToCome(ASSET)).toBe(true);
    expect(loader.otherQualities(ASSET, true)).toEqual(['light', 'medium']);
    await load(true);
    expect(loader.isChoiceToCome(ASSET)).toBe(false);
    expect(loader.otherQualities(ASSET, false)).toEqual(['light', 'medium']);
    expect(shown).toEqual(['light.spz', 'full.spz']);
  });

  it('stays to come, and is offered again, where its file does not load', async () => {
    const { loader, load } = setUp({ full: 'fails' });
    await load(false);
    loader.chosen = 'full';
    await expect(load(true)).rejects.toThrow('it did not come');
    expect(loader.isChoiceToCome(ASSET)).toBe(true);
    expect(loader.otherQualities(ASSET, false)).toEqual(['medium', 'full']);
  });

  it('comes after the light one where nothing is seen yet', async () => {
    const { loader, load, shown } = setUp();
    loader.chosen = 'full';
    await load(false);
    expect(shown).toEqual(['light.spz', 'full.spz']);
  });

  it('is not shown once it was called off, and nobody trusts then what is seen', async () => {
    const { loader, load, shown, asked } = setUp({ full: 'waits' });
    await load(false);
    loader.chosen = 'full';
    const over = new AbortController();
    const second = load(true, over.signal);
    await expect.poll(() => asked).toEqual(['light', 'full']);
    over.abort();
    await expect(second).rejects.toThrow();
    loader.chosen = 'light';
    expect(loader.isChoiceToCome(ASSET)).toBe(true);
    expect(shown).toEqual(['light.spz']);
  });
});

describe('splats that are expected while depth is made ready', () => {
  it('are fetched once, and each time that they are shown after that', async () => {
    const { loader, load, shown, asked } = setUp();
    loader.expectSplats(ASSET, new AbortController().signal);
    expect(asked).toEqual(['light']);
    await load(false);
    expect(asked).toEqual(['light']);
    await load(false);
    expect(asked).toEqual(['light', 'light']);
    expect(shown).toEqual(['light.spz', 'light.spz']);
  });

  it('are fetched again where they did not come', async () => {
    const fate: Record<string, 'fails'> = { light: 'fails' };
    const { loader, load, shown, asked } = setUp(fate);
    loader.expectSplats(ASSET, new AbortController().signal);
    delete fate.light;
    await load(false);
    expect(asked).toEqual(['light', 'light']);
    expect(shown).toEqual(['light.spz']);
  });

  it('are given up at once where they are called off while they come', async () => {
    const { loader, load, asked } = setUp({ light: 'waits' });
    loader.expectSplats(ASSET, new AbortController().signal);
    const over = new AbortController();
    const showing = load(false, over.signal);
    await new Promise((resolve) => setTimeout(resolve));
    over.abort();
    await expect(showing).rejects.toThrow();
    expect(asked).toContain('light');
  });

  it('are not what is shown of another photo', async () => {
    const { loader, load, asked } = setUp();
    loader.expectSplats(ASSET, new AbortController().signal);
    loader.forget();
    await load(false);
    expect(asked).toEqual(['light', 'light']);
  });

  it('wait until depth is seen where data is dear', () => {
    const { loader, asked } = setUp();
    vi.stubGlobal('navigator', { connection: { saveData: true } });
    loader.expectSplats(ASSET, new AbortController().signal);
    vi.stubGlobal('navigator', {});
    expect(asked).toEqual([]);
  });
});
