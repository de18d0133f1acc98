import { describe, expect, it } from 'vitest';
import type { Api } from '../src/api/client';
import type { Asset, Job, Photo, PhotoDetail, PhotoPage } from '../src/api/schema';
import { jobToShow, Store, supersedes } from '../src/store';

const job = (values: Partial<Job>): Job => ({
  id: 'splat-a-1',
  kind: 'splat',
  photo_id: 'a',
  params: {},
  state: 'running',
  run: 1,
  attempts: 1,
  progress: { fraction: 0.5, stage: 'decoded', message: '' },
  error: null,
  outputs: [],
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:05Z',
  ...values,
});

const photo = (id: string): Photo => ({
  id,
  name: `${id}.jpg`,
  width: 3,
  height: 2,
  taken_at: null,
  thumbnail: `/api/photos/${id}/thumbnail`,
  original: `/api/photos/${id}/original`,
  badges: { depth: false, splat: false },
  job: null,
  external_url: null,
});

function library(pages: string[][], rest: Partial<Api> = {}): { store: Store; asked: string[] } {
  const asked: string[] = [];
  const api = {
    photos: async (cursor: string | null): Promise<PhotoPage> => {
      asked.push(String(cursor));
      const at = Number(cursor ?? 0);
      const next_cursor = at + 1 < pages.length ? String(at + 1) : null;
      return { items: (pages[at] ?? []).map(photo), next_cursor };
    },
    ...rest,
  };
  return { store: new Store(api as Api), asked };
}

describe('events that arrive in any order', () => {
  it('what is older than the known state is dropped', () => {
    const known = job({});
    expect(supersedes(job({ updated_at: '2026-01-01T00:00:04Z' }), known)).toBe(false);
    expect(supersedes(job({ updated_at: '2026-01-01T00:00:06Z' }), known)).toBe(true);
  });

  it('the end of a run absorbs late progress, a new run does not', () => {
    const done = job({ state: 'succeeded', updated_at: '2026-01-01T00:00:09Z' });
    expect(supersedes(job({ updated_at: '2026-01-01T00:00:10Z' }), done)).toBe(false);
    expect(supersedes(job({ run: 2, state: 'queued', updated_at: '' }), done)).toBe(true);
    expect(supersedes(done, job({ run: 2 }))).toBe(false);
  });
});

it('a failure is shown only while it left nothing', () => {
  const failed = job({ state: 'failed' });
  expect(jobToShow({ ...photo('a'), job: failed })).toBe(failed);
  const made = { depth: true, splat: true };
  expect(jobToShow({ ...photo('a'), badges: made, job: failed })).toBeNull();
  expect(jobToShow({ ...photo('a'), badges: made, job: job({}) })?.state).toBe('running');
});

describe('Store', () => {
  it('loads page after page, once each, and knows the end', async () => {
    const { store, asked } = library([['a', 'b'], ['c']]);
    await Promise.all([store.loadMore(), store.loadMore()]);
    expect(store.order).toEqual(['a', 'b']);
    expect(store.complete).toBe(false);
    await store.loadMore();
    await store.loadMore();
    expect(store.order).toEqual(['a', 'b', 'c']);
    expect(asked).toEqual(['null', '1']);
  });

  it('lists a photo once, also when pages overlap', async () => {
    const { store } = library([
      ['a', 'b'],
      ['b', 'c'],
    ]);
    await store.loadMore();
    await store.loadMore();
    expect(store.order).toEqual(['a', 'b', 'c']);
  });

  it('shows a running job on its photo, then the badge', async () => {
    const { store } = library([['a']]);
    await store.loadMore();
    store.applyJob(job({}));
    expect(store.photos.get('a')?.job?.state).toBe('running');
    expect(store.activeJobs()).toHaveLength(1);
    store.applyJob(job({ state: 'succeeded' }));
    expect(store.photos.get('a')?.job).toBeNull();
    expect(store.photos.get('a')?.badges.splat).toBe(true);
    expect(store.activeJobs()).toHaveLength(0);
  });

  it('keeps a failure on the photo, and a cancelled job not', async () => {
    const { store } = library([['a']]);
    await store.loadMore();
    store.applyJob(job({}));
    store.applyJob(job({ state: 'cancelled' }));
    expect(store.photos.get('a')?.job).toBeNull();
    store.applyJob(job({ run: 2, state: 'failed' }));
    expect(store.photos.get('a')?.job?.state).toBe('failed');
  });

  it('a conversion does not show on the photo', async () => {
    const { store } = library([['a']]);
    await store.loadMore();
    store.applyJob(job({ id: 'convert-a', kind: 'convert' }));
    expect(store.photos.get('a')?.job).toBeNull();
  });

  it('asks for the assets of a photo to be read again once per success', async () => {
    const { store } = library([['a']]);
    await store.loadMore();
    const read: string[] = [];
    store.on('assets', (id) => read.push(id));
    store.applyJob(job({ state: 'succeeded' }));
    store.applyJob(job({ state: 'succeeded' }));
    expect(read).toEqual(['a']);
    store.applyAsset('a', { kind: 'depth' } as Asset);
    expect(store.photos.get('a')?.badges).toEqual({ depth: true, splat: true });
  });

  it('what is gone takes its badge along, once for all who look', async () => {
    const { store } = library([['a']], {
      photo: async (id) =>
        ({ ...photo(id), badges: { depth: true, splat: false }, assets: [] }) as PhotoDetail,
    });
    await store.loadMore();
    store.applyAsset('a', { kind: 'splat' } as Asset);
    const read: string[] = [];
    store.on('assets', (id) => read.push(id));
    await store.dropAsset('a');
    await store.dropAsset('unknown');
    expect(store.photos.get('a')?.badges).toEqual({ depth: true, splat: false });
    expect(read).toEqual(['a']);
  });

  it('catches up after a lost connection, also with jobs that ended meanwhile', async () => {
    const { store } = library([['a', 'b']], {
      assetMap: async () => ({ b: { depth: ['da2-small'] } }),
      jobs: async (state) => (state === 'queued' ? [job({ id: 'q', photo_id: 'b', state })] : []),
      job: async () => job({ state: 'failed', updated_at: '2026-01-01T00:01:00Z' }),
    });
    await store.loadMore();
    store.applyJob(job({}));
    await store.resync();
    expect(store.photos.get('a')?.job?.state).toBe('failed');
    expect(store.photos.get('b')?.job?.state).toBe('queued');
    expect(store.photos.get('b')?.badges.depth).toBe(true);
  });

  it('forgets everything on sign-out, also what is still on its way', async () => {
    const { store } = library([['a']]);
    const loading = store.loadMore();
    store.reset();
    await loading;
    expect(store.order).toEqual([]);
    expect(store.photos.size).toBe(0);
  });

  it('takes in no photo that was asked for before everything was forgotten', async () => {
    let answer: (detail: PhotoDetail) => void = () => {};
    const { store } = library([['a']], {
      photo: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const opening = store.openPhoto('a');
    store.reset();
    answer({ ...photo('a'), assets: [] });
    await opening;
    expect(store.photos.size).toBe(0);
  });
});
