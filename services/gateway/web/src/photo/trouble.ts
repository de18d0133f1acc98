import { ApiError } from '../api/client';
import { texts } from '../texts';
import { type Explanation, explainError } from '../ui/errors';

export type Trouble =
  | 'no-picture'
  | 'no-webgl'
  | 'nobody-draws'
  | 'no-clip'
  | 'context-lost'
  | { what: 'depth' | 'splat'; error: unknown };

const t = texts.trouble;

/** Says why a photo, or its depth or 3D, is not to be seen. */
export function explainTrouble(trouble: Trouble): Explanation {
  if (trouble === 'no-picture') return told(t.picture, true);
  if (trouble === 'no-webgl') return told(t.no3d, false);
  if (trouble === 'nobody-draws') return told(t.nobodyDraws, true);
  if (trouble === 'no-clip') return told(t.noClip, false);
  if (trouble === 'context-lost') return told(t.device, true);
  const { what, error } = trouble;
  if (error instanceof ApiError) return explainError(error);
  return {
    title: what === 'splat' ? t.splat : t.depth,
    advice: t.fileAdvice,
    detail: error instanceof Error ? error.message : String(error),
    retriable: true,
  };
}

/** A trouble by its two sentences: what happened, and what helps. */
export const told = ([title = '', advice = '']: string[], retriable: boolean): Explanation => ({
  title,
  advice,
  detail: '',
  retriable,
});
