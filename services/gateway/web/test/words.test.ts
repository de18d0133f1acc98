import { describe, expect, it } from 'vitest';
import { ApiError } from '../src/api/client';
import type { Job, Model } from '../src/api/schema';
import { explainTrouble } from '../src/photo/trouble';
import { WORDS } from '../src/ui/error-words';
import { explainError, explainJob } from '../src/ui/errors';
import {
  bytesWords,
  dateWords,
  dayWords,
  modelWords,
  percent,
  secondsWords,
  stageWords,
} from '../src/ui/words';

const JOB: Job = {
  id: 'splat-a',
  kind: 'splat',
  source: { kind: 'photo', id: 'a' },
  photo_id: 'a',
  requesters: [],
  params: {},
  timeline: [],
  state: 'running',
  run: 1,
  attempts: 1,
  progress: { fraction: 0.456, stage: 'decoded', message: '' },
  error: null,
  outputs: [],
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
};

describe('progress in words', () => {
  it('says what happens after the stage that was reported', () => {
    expect(stageWords(JOB)).toBe('Estimating depth');
    expect(stageWords({ ...JOB, state: 'queued' })).toBe('Waiting for its turn');
  });

  it("prefers the worker's own words", () => {
    const progress = { ...JOB.progress, message: 'downloading the model' };
    expect(stageWords({ ...JOB, progress })).toBe('Downloading the model');
  });

  it('does not break on a stage of a newer server', () => {
    const progress = { ...JOB.progress, stage: 'teleported' };
    expect(stageWords({ ...JOB, progress })).toBe('Working');
  });

  it('is a percentage only once something runs', () => {
    expect(percent(JOB)).toBe(46);
    expect(percent({ ...JOB, state: 'queued' })).toBeNull();
    expect(percent({ ...JOB, progress: { ...JOB.progress, fraction: 7 } })).toBe(100);
    expect(percent({ ...JOB, progress: { ...JOB.progress, fraction: Number.NaN } })).toBeNull();
  });
});

describe('errors in words', () => {
  it.each(Object.keys(WORDS))('%s has its own sentence and advice', (code) => {
    const error = { code, message: 'at byte 12', retriable: true };
    const words = explainJob({ ...JOB, state: 'failed', error });
    expect(words?.title).toMatch(/\.$/);
    expect(words?.advice.length).toBeGreaterThan(10);
    expect(words?.detail).toBe('at byte 12');
    if (code !== 'internal') expect(words?.title).not.toMatch(/something went wrong/i);
  });

  it('an error of a newer server is told in its own words', () => {
    const detail = 'The stars are not aligned.';
    const refused = explainError(new ApiError('stars_misaligned', 409, { detail }));
    expect(refused.title).toBe(detail);
    const error = { code: 'stars_misaligned', message: detail, retriable: false };
    expect(explainJob({ ...JOB, state: 'failed', error })).toMatchObject({
      title: detail,
      retriable: false,
    });
    expect(explainError(new ApiError('stars_misaligned', 409)).title).toBe(
      'Something went wrong on the server.',
    );
  });

  it('a failed job without a reason is still explained', () => {
    expect(explainJob({ ...JOB, state: 'failed' })?.title).toBe(
      'Something went wrong on the server.',
    );
    expect(explainJob(JOB)).toBeNull();
  });

  it('names what is accepted and what is down', () => {
    const invalid = new ApiError('invalid_model', 422, { accepted: ['auto', 'da2-small'] });
    expect(explainError(invalid).detail).toBe('Accepted: auto, da2-small');
    const down = new ApiError('unavailable', 503, { detail: 'No queue', down: ['nats', 's3'] });
    expect(explainError(down).detail).toBe('No queue · Down: nats, s3');
  });

  it('does not offer to try again what cannot work', () => {
    for (const code of ['not_found', 'invalid_model', 'licence_required'])
      expect(explainError(new ApiError(code, 422)).retriable).toBe(false);
    expect(explainError(new ApiError('offline', 0)).retriable).toBe(true);
  });

  it('tells a broken file from a broken connection', () => {
    const broken = explainTrouble({ what: 'splat', error: new Error('Invalid gzip header') });
    expect(broken.title).toBe('The 3D of this photo could not be shown.');
    expect(broken.detail).toBe('Invalid gzip header');
    const offline = explainTrouble({ what: 'splat', error: new ApiError('offline', 0) });
    expect(offline.title).toBe('The server does not answer.');
  });
});

describe('quantities in words', () => {
  it('sizes', () => {
    expect(bytesWords(512)).toBe('512 B');
    expect(bytesWords(4_480_000)).toBe('4.5 MB');
    expect(bytesWords(66_000_000)).toBe('66 MB');
    expect(bytesWords(999_700)).toBe('1.0 MB');
  });

  it('durations', () => {
    expect(secondsWords(0.048)).toBe('48 ms');
    expect(secondsWords(2.26)).toBe('2.3 s');
    expect(secondsWords(125)).toBe('2 min 5 s');
  });

  it('dates, and nothing for none', () => {
    expect(dateWords('2026-06-20T09:30:00Z', 'en-GB')).toBe('20 June 2026');
    expect(dateWords(null)).toBe('');
    expect(dayWords('2024-06-01T08:00:00+14:00', 'en-GB')).toBe('1 June 2024');
    expect(dayWords('2024-06-01T23:30:00-11:00', 'en-GB')).toBe('1 June 2024');
    expect(dayWords(null)).toBe('');
    expect(dateWords('yesterday')).toBe('');
  });

  it('models, also lifted ones and those this server does not list', () => {
    const models = [{ key: 'da2-small', name: 'Depth Anything V2 Small' } as Model];
    expect(modelWords('da2-small', models)).toBe('Depth Anything V2 Small');
    expect(modelWords('da2-small-av1-part-0-end', models)).toBe(
      'Depth Anything V2 Small, AV1, a part',
    );
    expect(modelWords('lift-da2-small', models)).toBe('3D from Depth Anything V2 Small');
    expect(modelWords('lift-embedded', [])).toBe('3D from the photo’s own depth');
    expect(modelWords('brand-new', [])).toBe('brand-new');
  });
});
