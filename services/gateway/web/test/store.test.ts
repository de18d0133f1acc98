import { describe, expect, it } from 'vitest';
import type { Api } from '../src/api/client';
import type { Asset, Job, Photo, PhotoDetail } from '../src/api/schema';
import { jobToShow, type LibraryChange, Store, supersedes } from '../src/store';

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
  dated_by_file: false,
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

/** A store that a list has told of these photos. */
function library(ids: string[], rest: Partial<Api> = {}): { store: Store } {
  const store = new Store(rest as Api);
  store.meet(ids.map(photo), true);
  return { store };
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
  it('shows a running job on its photo, then the badge', async () => {
    const { store } = library(['a']);
    store.applyJob(job({}));
    expect(store.photos.get('a')?.job?.state).toBe('running');
    expect(store.activeJobs()).toHaveLength(1);
    store.applyJob(job({ state: 'succeeded' }));
    expect(store.photos.get('a')?.job).toBeNull();
    expect(store.photos.get('a')?.badges.splat).toBe(true);
    expect(store.activeJobs()).toHaveLength(0);
  });

  it('keeps a failure on the photo, and a cancelled job not', async () => {
    const { store } = library(['a']);
    store.applyJob(job({}));
    store.applyJob(job({ state: 'cancelled' }));
    expect(store.photos.get('a')?.job).toBeNull();
    store.applyJob(job({ run: 2, state: 'failed' }));
    expect(store.photos.get('a')?.job?.state).toBe('failed');
  });

  it('a conversion does not show on the photo', async () => {
    const { store } = library(['a']);
    store.applyJob(job({ id: 'convert-a', kind: 'convert' }));
    expect(store.photos.get('a')?.job).toBeNull();
  });

  it('asks for the assets of a photo to be read again once per success', async () => {
    const { store } = library(['a']);
    const read = changes(store);
    store.applyJob(job({ state: 'succeeded' }));
    store.applyJob(job({ state: 'succeeded' }));
    expect(read).toEqual(['a']);
    store.applyAsset('a', { kind: 'depth' } as Asset);
    expect(store.photos.get('a')?.badges).toEqual({ depth: true, splat: true });
  });

  it('reads nothing again of what came with what it is, until the connection was lost', async () => {
    const { store } = library(['a']);
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
    const { store } = library(['a']);
    const read = changes(store);
    store.readAgain('a');
    expect(read).toEqual(['a']);
  });

  it('shows jobs and badges of kinds that it does not know', async () => {
    const { store } = library(['a'], {
      assetMap: async () => ({ a: { hologram: ['h1'] } }),
      jobs: async () => [],
    });
    const unknown = job({ id: 'hologram-a', kind: 'hologram' });
    store.applyJob(unknown);
    expect(store.photos.get('a')?.job).toBe(unknown);
    expect(store.activeJobs()).toEqual([unknown]);
    store.applyJob({ ...unknown, state: 'cancelled' });
    await store.resync();
    expect(store.photos.get('a')?.badges.hologram).toBe(true);
  });

  it('what is gone takes its badge along, once for all who look', async () => {
    const { store } = library(['a'], {
      photo: async (id) =>
        ({ ...photo(id), badges: { depth: true, splat: false }, assets: [] }) as PhotoDetail,
    });
    store.applyAsset('a', { kind: 'splat' } as Asset);
    const read = changes(store);
    await store.dropAsset('a');
    await store.dropAsset('unknown');
    expect(store.photos.get('a')?.badges).toEqual({ depth: true, splat: false });
    expect(read).toEqual(['a']);
  });

  it('catches up after a lost connection, also with jobs that ended meanwhile', async () => {
    const { store } = library(['a', 'b'], {
      assetMap: async () => ({ b: { depth: ['da2-small'] } }),
      jobs: async (state) =>
        state === 'queued'
          ? [job({ id: 'q', source: { kind: 'photo', id: 'b' }, photo_id: 'b', state })]
          : [],
      job: async () => job({ state: 'failed', updated_at: '2026-01-01T00:01:00Z' }),
    });
    store.applyJob(job({}));
    await store.resync();
    expect(store.photos.get('a')?.job?.state).toBe('failed');
    expect(store.photos.get('b')?.job?.state).toBe('queued');
    expect(store.photos.get('b')?.badges.depth).toBe(true);
  });

  it('forgets everything on sign-out', () => {
    const { store } = library(['a']);
    store.applyJob(job({}));
    store.reset();
    expect(store.photos.size).toBe(0);
    expect(store.activeJobs()).toEqual([]);
  });

  it('takes in no photo that was asked for before everything was forgotten', async () => {
    let answer: (detail: PhotoDetail) => void = () => {};
    const { store } = library(['a'], {
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

describe('favourites', () => {
  it('are told to all that show the photo', () => {
    const { store } = library(['a', 'b']);
    const heard: (boolean | undefined)[] = [];
    store.on('photo', (id) => heard.push(store.photos.get(id)?.favorite));
    store.applyFavourite('a', true);
    store.applyFavourite('a', false);
    store.applyFavourite('unknown', true);
    expect(heard).toEqual([true, false]);
    expect(store.photos.get('b')?.favorite).toBe(false);
  });
});

describe('photos that come, change and go by themselves', () => {
  const changes = (store: Store): LibraryChange[] => {
    const heard: LibraryChange[] = [];
    store.on('library', (change) => heard.push(change));
    return heard;
  };

  it('are told on, for lists to be read again', () => {
    const { store } = library(['a', 'b']);
    const heard = changes(store);
    store.applyLibrary({ there: [photo('c')], gone: [{ kind: 'photo', id: 'a' }] });
    expect(store.photos.has('a')).toBe(false);
    expect(store.photos.has('c')).toBe(false);
    expect(heard.map(({ there, gone }) => [there.length, gone.length])).toEqual([[1, 1]]);
  });

  it('show at once as they are now, where they are known', () => {
    const { store } = library(['a']);
    const seen: string[] = [];
    store.on('photo', (id) => seen.push(id));
    store.applyLibrary({ there: [{ ...photo('a'), version: '2' }], gone: [] });
    expect(store.photos.get('a')?.version).toBe('2');
    expect(seen).toEqual(['a']);
  });

  it('are all to be read again after the connection was lost', async () => {
    const { store } = library(['a'], { assetMap: async () => ({}), jobs: async () => [] });
    const heard = changes(store);
    await store.resync();
    expect(heard.map(({ all }) => all)).toEqual([true]);
  });

  it('that are videos are told to the list of videos', () => {
    const { store } = library([]);
    let told = 0;
    store.on('videos', () => {
      told += 1;
    });
    store.applyLibrary({ there: [], gone: [{ kind: 'video', id: 'v' }] });
    expect(told).toBe(1);
  });
});

describe('3D that was only guessed', () => {
  const made = (kind: string, model_key: string) => ({
    kind,
    key: `${kind}-${model_key}`,
    model_key,
  });
  const rough = (store: Store) => store.shown('a')?.rough;

  it('is told apart until there is better, whatever comes first', async () => {
    const nothing = async () => [];
    const map = { a: { splat: ['lift-heuristic'], depth: ['heuristic'] } };
    const { store } = library(['a'], { assetMap: async () => map, jobs: nothing });
    expect(rough(store)).toBe(false);
    await store.resync();
    expect(rough(store)).toBe(true);
    store.applyAsset('a', made('splat', 'lift-da2-small') as Asset);
    expect(rough(store)).toBe(false);
    store.applyAsset('a', made('splat', 'lift-heuristic') as Asset);
    expect(rough(store)).toBe(false);
  });

  it('is rough from the moment that it is made', () => {
    const { store } = library(['a']);
    store.applyAsset('a', made('splat', 'lift-heuristic') as Asset);
    expect(rough(store)).toBe(true);
  });
});
