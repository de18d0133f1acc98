import { describe, expect, it } from 'vitest';
import type { ModelDetails } from '../src/api/schema';
import { aboutWords, deedsOf, stateWords, troubleWords, withNews } from '../src/models/words';
import { parseHash } from '../src/router';
import { downloadWords } from '../src/ui/words';

const model = (values: Partial<ModelDetails> = {}): ModelDetails => ({
  key: 'sharp',
  name: 'SHARP',
  makes: ['splat'],
  splat_models: ['sharp'],
  metric: true,
  several_views: false,
  inputs: 'image',
  through: null,
  revision: '',
  memory_cpu_mb: null,
  memory_gpu_mb: null,
  loaded_on: [],
  built_in: false,
  size: 2_809_738_232,
  commercial_use: false,
  licence: { name: 'Apple', url: 'https://example.org', permissive: false },
  accepted: null,
  state: 'needs_licence',
  done: 0,
  total: 0,
  rate: 0,
  remaining_s: null,
  error: null,
  job: null,
  possible: ['accept'],
  ...values,
});

describe('a model in words', () => {
  it('says what it makes and how large it is', () => {
    expect(aboutWords(model())).toBe('3D · in metres · 2.8 GB');
    expect(aboutWords(model({ makes: ['depth', 'poses'], metric: false, size: null }))).toBe(
      'Depth, camera positions',
    );
    expect(aboutWords(model({ built_in: true, size: 0, metric: false }))).toBe('3D · built in');
  });

  it('says how far a download is, how fast, and how long it will take', () => {
    const news = { key: 'x', state: 'downloading', error: null } as const;
    expect(downloadWords({ ...news, done: 12e6, total: 100e6, rate: 2e6, remaining_s: 44 })).toBe(
      '12 MB of 100 MB · 2.0 MB/s · 44 s left',
    );
    expect(downloadWords({ ...news, done: 5e6, total: 0, rate: 0, remaining_s: null })).toBe(
      '5.0 MB',
    );
    expect(downloadWords({ ...news, done: 0, total: 6e9, rate: 1e6, remaining_s: 6000 })).toMatch(
      /1 h 40 min left$/,
    );
    expect(downloadWords({ ...news, done: 0, total: 6e9, rate: 1e7, remaining_s: 600 })).toMatch(
      /10 min left$/,
    );
  });

  it('says who accepted its licence, and that a job waits', () => {
    const accepted = { name: 'Ann', at: '2026-01-01T00:00:00Z' };
    expect(stateWords(model({ state: 'ready', accepted }))).toBe(
      'On this server · licence accepted by Ann',
    );
    const job = { state: 'queued' } as ModelDetails['job'];
    expect(stateWords(model({ state: 'downloadable', job }))).toBe('Waiting for a worker');
  });

  it('explains a failed download and offers to try again', () => {
    const failed = model({
      state: 'failed',
      error: { code: 'no_space', message: '', retriable: true },
      possible: ['download'],
    });
    expect(troubleWords(failed)).toMatch(/no space.*Free some/);
    expect(deedsOf(failed)).toEqual([{ deed: 'download', label: 'Try again' }]);
    expect(troubleWords(model({ state: 'ready', error: failed.error }))).toBe('');
  });

  it('takes progress in as it is told, and knows when more has changed than that', () => {
    const news = { done: 5, total: 10, rate: 1, remaining_s: 5, error: null, key: 'sharp' };
    const known = model({ state: 'downloading' });
    const told = withNews(known, { ...news, state: 'downloading' });
    expect([told.stale, told.model.done, told.model.name]).toEqual([false, 5, 'SHARP']);
    expect(withNews(known, { ...news, state: 'ready' }).stale).toBe(true);
  });
});

describe('the address', () => {
  it('leads to the models', () => {
    expect(parseHash('#/models')).toEqual({ view: 'models' });
    expect(parseHash('#/account')).toEqual({ view: 'account' });
    expect(parseHash('#/models/x')).toEqual({ view: 'gallery' });
  });
});
