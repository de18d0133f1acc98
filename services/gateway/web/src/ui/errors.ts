import { ApiError } from '../api/client';
import type { Job, JobKind } from '../api/schema';
import { wordsFor } from './error-words';

/** An error for people: what happened, and what they can do about it. */
export interface Explanation {
  title: string;
  advice: string;
  /** The machine's own words, for those who want them. */
  detail: string;
  retriable: boolean;
}

const FINAL_CODES = new Set(['not_found', 'forbidden', 'invalid_image', 'unsupported_format']);

/** Explains why a request failed. */
export function explainError(error: unknown): Explanation {
  if (!(error instanceof ApiError)) {
    const detail = error instanceof Error ? error.message : String(error);
    const [title, advice] = wordsFor('internal');
    return { title, advice, detail, retriable: true };
  }
  const [title, advice] = wordsFor(error.code);
  const { accepted, down, detail } = error.problem;
  const facts = [
    detail,
    accepted?.length ? `Accepted: ${accepted.join(', ')}` : '',
    down?.length ? `Down: ${down.join(', ')}` : '',
  ];
  return {
    title,
    advice,
    detail: facts.filter(Boolean).join(' · '),
    retriable: !FINAL_CODES.has(error.code),
  };
}

const NOT_MADE: Record<JobKind, string> = {
  splat: '3D could not be made',
  depth: 'Depth could not be made',
  convert: 'The file could not be converted',
};

export const notMade = (kind: JobKind): string => NOT_MADE[kind];

/** Explains why a job failed; null for a job that did not. */
export function explainJob(job: Job): Explanation | null {
  if (job.state !== 'failed') return null;
  const error = job.error ?? { code: 'internal', message: '', retriable: true };
  const [title, advice] = wordsFor(error.code);
  return { title, advice, detail: error.message, retriable: error.retriable };
}
