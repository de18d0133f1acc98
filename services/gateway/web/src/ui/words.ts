import type { Job, Model, ModelNews } from '../api/schema';

import { madeBefore } from '../scenes/versions';

import { catalogue, texts } from '../texts';
import { chosenLanguage, decimals, locale } from '../texts/language';

/** The language of what workers say of their progress. */
const WORKERS_SPEAK = 'en';

/** What a job is doing now, for people. The worker's own words say more than ours, where one understands them. */
export function stageWords(job: Job): string {
  const { stages, other } = texts.work;
  if (job.state === 'queued') return stages.queued as string;
  const { message, stage } = job.progress;
  const [said, ours] = [message.trim(), stages[stage] ?? catalogue.stages[stage]];
  const words = (WORKERS_SPEAK === chosenLanguage() ? said || ours : ours || said) || other;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A job's progress in whole percent, or null while nothing can be said. */
export function percent(job: Job): number | null {
  if (job.state === 'queued' || !Number.isFinite(job.progress.fraction)) return null;
  return Math.round(Math.min(Math.max(job.progress.fraction, 0), 1) * 100);
}

/** What a job is doing, and how far it is. */
export function progressWords(job: Job): string {
  const done = percent(job);
  return done === null ? stageWords(job) : `${stageWords(job)} · ${done} %`;
}

export function bytesWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${decimals(value, value < 10 ? 1 : 0)} ${units[unit]}`;
}

export function secondsWords(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${decimals(seconds, 1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** A place in a video, as on a clock: 0:07, 12:34, 1:02:03. */
export function clockWords(seconds: number): string {
  const whole = Math.floor(Math.max(seconds, 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How far a download is: bytes, rate, time left. */
export function downloadWords({ done, total, rate, remaining_s }: ModelNews): string {
  const parts = [
    total > 0 ? texts.work.of(bytesWords(done), bytesWords(total)) : bytesWords(done),
    rate > 0 && `${bytesWords(Math.round(rate))}/s`,
    remaining_s !== null && texts.work.left(leftWords(remaining_s)),
  ];
  return parts.filter(Boolean).join(' · ');
}

/** A time to wait, as exact as anybody wants it. */
function leftWords(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** The day a photo was taken, where it was taken: the date in the text, whatever the reader's zone. */
export function dayWords(iso: string | null, where = locale()): string {
  return dateWords(iso && `${iso.slice(0, 10)}T00:00:00Z`, where, 'UTC');
}

export function dateWords(iso: string | null, where = locale(), timeZone?: string): string {
  if (!iso) return '';
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  return date.toLocaleDateString(where, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone,
  });
}

/** A month that is written 2024-11, with its year. */
export function monthWords(month: string, where = locale()): string {
  const options = { month: 'long', year: 'numeric', timeZone: 'UTC' } as const;
  return new Date(`${month}-01T00:00:00Z`).toLocaleDateString(where, options);
}

/** A moment, where the reader is. */
export function momentWords(iso: string | null): string {
  if (!iso) return '';
  const options = { dateStyle: 'medium', timeStyle: 'short' } as const;
  return new Date(iso).toLocaleString(locale(), options);
}

/** The name of a model key: `lift-K` are splats lifted from the depth of `K`, `K-part-…` is of a part of a video,
 * `K-av1` in another codec. */
export function modelWords(key: string, models: Model[]): string {
  const named = models.find((model) => model.key === key)?.name;
  if (named) return named;
  const before = madeBefore(key);
  if (before !== key) return texts.made.filled(modelWords(before, models));
  const whole = key.replace(/-part-\d+-(\d+|end)$/, '');
  if (whole !== key) return texts.made.part(modelWords(whole, models));
  const codec = /^(.+)-(av1|h264)$/.exec(key);
  if (codec) return `${modelWords(codec[1] ?? '', models)}, ${CODECS[codec[2] ?? '']}`;
  if (!key.startsWith('lift-')) return BUILT_IN[key] ?? key;
  return texts.made.from(modelWords(key.slice('lift-'.length), models));
}

const CODECS: Record<string, string> = { av1: 'AV1', h264: 'H.264' };

const BUILT_IN: Record<string, string> = {
  embedded: texts.made.embedded,
  heuristic: texts.made.heuristic,
};
