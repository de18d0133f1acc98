import { describe, expect, it } from 'vitest';
import type { Api } from '../src/api/client';
import type { Asset, Job, Photo, PhotoDetail, PhotoPage } from '../src/api/schema';
import { jobToShow, Store, supersedes } from '../src/store';

const job = (values: Partial<Job>): Job => ({
  id: 'splat-a-1',
  kind: 'splat',
  source: { kind: 'photo', id: 'a' },
  photo_id: 'a',
  requesters: [],
  params: {},
  state: 'running',
  run: 1,
  attempts: 1,
  timeline: [],
  progress: { fraction: 0.5, stage: 'decoded', message: '' },
  error: null,
  outputs: [],
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:05Z',
  ...values,
});

const photo = (id: string): Photo => ({
  kind: 'photo',
  id,
  name: `${id}.jpg`,
  width: 3,
  height: 2,
  taken_at: null,
  version: '1',
  thumbnail: `/api/photos/${id}/thumbnail`,
  preview: `/api/photos/${id}/preview`,
  original: `/api/photos/${id}/original`,
  favorite: false,
  archived: false,
  mine: true,
  edited: false,
  rating: null,
  projection: null,
  place: null,
  stack: null,
  live: false,
  playback: null,
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

/** The photos whose assets changed from now on, each with the key of the asset that came. */
function changes(store: Store): string[] {
  const heard: string[] = [];
  store.on('assets', ({ photoId, asset }) =>
    heard.push(asset ? `${photoId} ${asset.key}` : photoId),
  );
  return heard;
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
    const read = changes(store);
    store.applyJob(job({ state: 'succeeded' }));
    store.applyJob(job({ state: 'succeeded' }));
    expect(read).toEqual(['a']);
    store.applyAsset('a', { kind: 'depth' } as Asset);
    expect(store.photos.get('a')?.badges).toEqual({ depth: true, splat: true });
  });

  it('reads nothing again of what came with what it is, until the connection was lost', async () => {
    const { store } = library([['a']]);
    await store.loadMore();
    const read = changes(store);
    const outputs = ['splat-sharp', 'depth-da2-small'];
    for (const key of outputs) store.applyAsset('a', { key, kind: 'splat' } as Asset);
    expect(read).toEqual(['a splat-sharp', 'a depth-da2-small']);
    store.applyJob(job({ state: 'succeeded', outputs }));
    expect(read).toHaveLength(2);
    store.applyAsset('a', { key: 'splat-sharp', kind: 'splat' } as Asset);
    store.setConnected(true);
    store.applyJob(job({ run: 2, state: 'succeeded', outputs: ['splat-sharp'] }));
    expect(read.at(-1)).toBe('a');
  });

  it('reads what is new where nobody said what it is', async () => {
    const { store } = library([['a']]);
    await store.loadMore();
    const read = changes(store);
    store.readAgain('a');
    expect(read).toEqual(['a']);
  });

  it('shows jobs and badges of kinds that it does not know', async () => {
    const { store } = library([['a']], {
      assetMap: async () => ({ a: { hologram: ['h1'] } }),
      jobs: async () => [],
    });
    await store.loadMore();
    const unknown = job({ id: 'hologram-a', kind: 'hologram' });
    store.applyJob(unknown);
    expect(store.photos.get('a')?.job).toBe(unknown);
    expect(store.activeJobs()).toEqual([unknown]);
    store.applyJob({ ...unknown, state: 'cancelled' });
    await store.resync();
    expect(store.photos.get('a')?.badges.hologram).toBe(true);
  });

  it('what is gone takes its badge along, once for all who look', async () => {
    const { store } = library([['a']], {
      photo: async (id) =>
        ({ ...photo(id), badges: { depth: true, splat: false }, assets: [] }) as PhotoDetail,
    });
    await store.loadMore();
    store.applyAsset('a', { kind: 'splat' } as Asset);
    const read = changes(store);
    await store.dropAsset('a');
    await store.dropAsset('unknown');
    expect(store.photos.get('a')?.badges).toEqual({ depth: true, splat: false });
    expect(read).toEqual(['a']);
  });

  it('catches up after a lost connection, also with jobs that ended meanwhile', async () => {
    const { store } = library([['a', 'b']], {
      assetMap: async () => ({ b: { depth: ['da2-small'] } }),
      jobs: async (state) =>
        state === 'queued'
          ? [job({ id: 'q', source: { kind: 'photo', id: 'b' }, photo_id: 'b', state })]
          : [],
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

describe('photos that come, change and go by themselves', () => {
  const of = (id: string, day: number, values: Partial<Photo> = {}) => ({
    ...{ ...photo(id), taken_at: `2026-01-${String(day).padStart(2, '0')}T00:00:00Z` },
    ...values,
  });
  const news = (...there: Photo[]) => ({
    there,
    gone: [],
  });
  const gone = (...ids: string[]) => ({
    there: [],
    gone: ids.map((id) => ({ kind: 'photo', id })),
  });

  /** A store that has read these pages, what it can be read again, and how the list shifted since. */
  async function filled(pages: Photo[][], read = pages.length) {
    const lists = { pages };
    const asked: string[] = [];
    const api = {
      photos: async (cursor: string | null, limit = 60): Promise<PhotoPage> => {
        asked.push(`${cursor} ${limit}`);
        const at = Number(cursor ?? 0);
        const next_cursor = at + 1 < lists.pages.length ? String(at + 1) : null;
        return { items: lists.pages[at] ?? [], next_cursor };
      },
    };
    const store = new Store(api as Api);
    for (let page = 0; page < read; page += 1) await store.loadMore();
    const shifts: string[] = [];
    store.on('shift', ({ placed, removed }) => {
      shifts.push(...removed.map((id) => `-${id}`));
      shifts.push(...placed.map((one) => `${one.photo.id}<${one.before}`));
    });
    return { store, shifts, lists, asked };
  }

  it('a new photo takes its place among those of other days', async () => {
    const { store, shifts } = await filled([[of('c', 9), of('b', 5), of('a', 1)]]);
    store.applyLibrary(news(of('new', 7), of('newest', 20), of('oldest', 1)));
    expect(store.order).toEqual(['newest', 'c', 'new', 'b', 'a', 'oldest']);
    expect(shifts).toEqual(['oldest<null', 'new<b', 'newest<c']);
  });

  it('several that came at once stand right among each other', async () => {
    const { store } = await filled([[of('a', 1)]]);
    store.applyLibrary(news(of('c', 7), of('d', 8), of('b', 6)));
    expect(store.order).toEqual(['d', 'c', 'b', 'a']);
  });

  it('what belongs behind the pages that were read comes with its page', async () => {
    const { store } = await filled(
      [
        [of('c', 9), of('b', 5)],
        [of('old', 2), of('a', 1)],
      ],
      1,
    );
    store.applyLibrary(news(of('old', 2)));
    expect(store.order).toEqual(['c', 'b']);
    await store.loadMore();
    expect(store.order).toEqual(['c', 'b', 'old', 'a']);
  });

  it('a photo that changed shows as it is now, where it belongs now', async () => {
    const { store, shifts } = await filled([[of('c', 9), of('b', 5), of('a', 1)]]);
    store.applyLibrary(news(of('b', 5, { version: '2', width: 9 })));
    expect(store.photos.get('b')).toMatchObject({ version: '2', width: 9 });
    store.applyLibrary(news(of('a', 30, { version: '2' })));
    expect(store.order).toEqual(['a', 'c', 'b']);
    expect(shifts).toEqual(['b<a', 'a<c']);
  });

  it('a photo that is gone leaves the list, also when it is told twice', async () => {
    const { store, shifts } = await filled([[of('c', 9), of('b', 5)]]);
    store.applyLibrary(gone('b'));
    store.applyLibrary(gone('b', 'unknown'));
    expect(store.order).toEqual(['c']);
    expect(store.photos.has('b')).toBe(false);
    expect(shifts).toEqual(['-b']);
  });

  it('a video is not taken for a photo', async () => {
    const { store } = await filled([[of('a', 1)]]);
    store.applyLibrary({
      there: [
        { ...of('clip', 2), kind: 'video', duration_s: 3, playback: '/api/videos/clip/playback' },
      ],
      gone: [{ kind: 'video', id: 'a' }],
    });
    expect(store.order).toEqual(['a']);
  });

  it('news before the first page change nothing', async () => {
    const { store } = await filled([[of('a', 1)]], 0);
    store.applyLibrary(news(of('b', 2)));
    expect(store.order).toEqual([]);
  });

  it('the list is read again where more changed than was told, as far as it was read', async () => {
    const { store, shifts, lists, asked } = await filled(
      [[of('d', 9), of('c', 5)], [of('b', 4), of('a', 3)], [of('z', 1)]],
      2,
    );
    lists.pages = [
      [of('new', 8), of('c', 5), of('b', 4, { version: '2' })],
      [of('a', 3)],
      [of('z', 1)],
    ];
    await store.rereadList();
    expect(asked.slice(2)).toEqual(['null 500', '1 500']);
    expect(store.order).toEqual(['new', 'c', 'b', 'a']);
    expect(shifts).toEqual(['-d', 'b<a', 'new<c']);
    await store.loadMore();
    expect(store.order).toEqual(['new', 'c', 'b', 'a', 'z']);
  });

  it('what did not change is not touched when the list is read again', async () => {
    const { store, shifts } = await filled([[of('b', 2), of('a', 1)]]);
    await store.rereadList();
    expect(shifts).toEqual([]);
  });
});
