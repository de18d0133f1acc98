import { ApiError } from '../api/client';
import type { Job } from '../api/schema';
import { assetTitle, jobTitle, madeBy } from '../catalog';
import { texts } from '../texts';
import { type Words, wordsFor } from './error-words';

/** An error for people: what happened, and what they can do about it. */
export interface Explanation {
  title: string;
  advice: string;
  /** The machine's own words, for those who want them. */
  detail: string;
  retriable: boolean;
}

/** Explains why a request failed. */
export function explainError(error: unknown): Explanation {
  if (!(error instanceof ApiError)) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ...explained(wordsFor('internal')), detail };
  }
  const { accepted, down, detail } = error.problem;
  const facts = [
    detail,
    accepted?.length ? texts.errors.accepted(accepted.join(', ')) : '',
    down?.length ? texts.errors.down(down.join(', ')) : '',
  ];
  return {
    ...explained(wordsFor(error.code, detail)),
    detail: facts.filter(Boolean).join(' · '),
  };
}

/** The same, with the permissions that a key lacks where it is about them. */
export function explainRefusal(error: ApiError): Explanation {
  const lacking = error.problem.permissions ?? [];
  const explanation = explainError(error);
  return lacking.length > 0 ? { ...explanation, advice: texts.missing(lacking) } : explanation;
}

const ABOUT_MODELS = new Set(['licence_required', 'consent_required', 'downloading']);

/** Whether a model is not to be had yet, which the page of models is for. */
export const aboutModels = (error: ApiError): boolean => ABOUT_MODELS.has(error.code);

/** What a failed job of this kind leaves undone. */
export function notMade(kind: string): string {
  const asset = madeBy(kind);
  const { notMade, hasFailed } = texts.errors;
  return asset ? notMade(assetTitle(asset)) : hasFailed(jobTitle(kind));
}

/** What a job of this kind has done. */
export function readyWords(kind: string): string {
  const asset = madeBy(kind);
  const { isReady, isDone } = texts.errors;
  return asset ? isReady(assetTitle(asset)) : isDone(jobTitle(kind));
}

/** Explains why a job failed; null for a job that did not. */
export function explainJob(job: Job): Explanation | null {
  if (job.state !== 'failed') return null;
  const error = job.error ?? { code: 'internal', message: '', retriable: true };
  const { title, advice } = explained(wordsFor(error.code, error.message));
  return { title, advice, detail: error.message, retriable: error.retriable };
}

function explained({ sentence, remedy, retriable }: Words): Omit<Explanation, 'detail'> {
  return { title: sentence, advice: remedy, retriable };
}
