import { describe, expect, it } from 'vitest';
import type { Asset, AssetFile } from '../src/api/schema';
import {
  bestAsset,
  modesToLoad,
  modeToShow,
  qualitiesOf,
  splatFile,
  splatFiles,
  trustIn,
} from '../src/photo/modes';
import { budgetOf } from '../src/render/device';
import { parseHash, photoHash } from '../src/router';

const none = { depth: false, splat: false };
const both = { depth: true, splat: true };

describe('a photo turns to the best of what there is', () => {
  it('depth comes first because it is quick, then the splat', () => {
    expect(modesToLoad('splat', both, none)).toEqual(['depth', 'splat']);
    expect(modesToLoad('splat', both, { depth: true, splat: false })).toEqual(['splat']);
    expect(modesToLoad('splat', both, { depth: false, splat: true })).toEqual([]);
  });

  it('nothing is loaded for somebody who wants it flat', () => {
    expect(modesToLoad('flat', both, none)).toEqual([]);
    expect(modesToLoad('depth', both, none)).toEqual(['depth']);
  });

  it('shows the wish once it is ready, and the next best until then', () => {
    expect(modeToShow('splat', none)).toBe('flat');
    expect(modeToShow('splat', { depth: true, splat: false })).toBe('depth');
    expect(modeToShow('splat', both)).toBe('splat');
    expect(modeToShow('depth', both)).toBe('depth');
    expect(modeToShow('flat', both)).toBe('flat');
  });
});

const asset = (values: Partial<Asset>) => ({ kind: 'splat', outdated: false, ...values }) as Asset;
const file = (format: string, variant: string) =>
  ({ role: 'splat', name: `${variant}.${format}`, format, variant }) as AssetFile;

describe('which result and which file', () => {
  it('a current result before an outdated one, then the newest', () => {
    const old = asset({ key: 'old', created_at: '2026-01-01' });
    const current = asset({ key: 'new', created_at: '2026-02-01' });
    const outdated = asset({ key: 'outdated', created_at: '2026-03-01', outdated: true });
    expect(bestAsset([outdated, old, current], 'splat')?.key).toBe('new');
    expect(bestAsset([outdated], 'splat')?.key).toBe('outdated');
    expect(bestAsset([old], 'depth')).toBeNull();
  });

  it('the small variant for small devices, the smallest format first', () => {
    const files = [file('ply', 'full'), file('spz', 'full'), file('spz', 'light')];
    expect(splatFile(asset({ files }), 'full')?.name).toBe('full.spz');
    expect(splatFile(asset({ files }), 'light')?.name).toBe('light.spz');
  });

  it('the medium level where there is one, else all of it', () => {
    const level = { ...file('spz', 'lod-300000'), role: 'level' } as AssetFile;
    const files = [file('spz', 'full'), level, file('spz', 'light')];
    expect(splatFile(asset({ files }), 'medium')?.variant).toBe('lod-300000');
    expect(splatFile(asset({ files: [file('spz', 'full')] }), 'medium')?.variant).toBe('full');
  });

  it('the light variant is shown until the full one is there, and stays on small devices', () => {
    const files = [
      { ...file('spz', 'full'), size: 9 },
      { ...file('spz', 'light'), size: 4 },
    ];
    const names = (light: 'light' | 'full', some: AssetFile[] = files) =>
      splatFiles(asset({ files: some }), light).map((one) => one.name);
    expect(names('full')).toEqual(['light.spz', 'full.spz']);
    expect(names('light')).toEqual(['light.spz']);
    expect(names('full', [file('spz', 'full')])).toEqual(['full.spz']);
    expect(names('full', [file('spz', 'full'), file('spz', 'light')])).toEqual(['full.spz']);
    expect(names('full', [])).toEqual([]);
  });

  it('may be seen in the details that there are files of, from coarse to fine', () => {
    const files = [file('spz', 'full'), file('spz', 'light'), file('ply', 'lod-300000')];
    expect(qualitiesOf(asset({ files }))).toEqual(['light', 'medium', 'full']);
    expect(qualitiesOf(asset({ files: files.slice(0, 1) }))).toEqual(['full']);
  });

  it('falls back to the other variant, and to nothing where nothing can be shown', () => {
    const files = [file('ply', 'full'), file('usdz', 'light')];
    expect(splatFile(asset({ files }), 'light')?.name).toBe('full.ply');
    expect(splatFile(asset({ files: [file('usdz', 'full')] }), 'full')).toBeNull();
  });
});

describe('addresses', () => {
  it('a photo has an address that leads back to it', () => {
    expect(parseHash(photoHash('0a1b-2c'))).toEqual({ view: 'photo', id: '0a1b-2c' });
  });

  it.each(['', '#/', '#/photo/', '#/photo/../../etc'])('%j is the gallery', (hash) => {
    expect(parseHash(hash)).toEqual({ view: 'gallery' });
  });

  it('a budget is a whole number of splats, or none', () => {
    expect(budgetOf('?budget=4000')).toBe(4000);
    expect(budgetOf('?budget=12.7&x=1')).toBe(12);
    for (const search of ['', '?budget=', '?budget=many', '?budget=-3', '?budget=0']) {
      expect(budgetOf(search)).toBeNull();
    }
  });
});

describe('how far one may lean', () => {
  const asset = (model_key: string, metric = false) => ({ model_key, metric });

  it('is told by how well the depth is known', () => {
    expect(trustIn(asset('lift-embedded'))).toBe(1);
    expect(trustIn(asset('da3-metric', true))).toBe(1);
    expect(trustIn(asset('sharp'))).toBe(1);
    expect(trustIn(asset('lift-da2-small'))).toBe(0.6);
    expect(trustIn(asset('lift-heuristic'))).toBe(0.2);
  });
});
