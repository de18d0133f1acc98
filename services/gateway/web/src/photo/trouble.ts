import { ApiError } from '../api/client';
import { type Explanation, explainError } from '../ui/errors';

export type Trouble =
  | 'no-picture'
  | 'no-webgl'
  | 'no-clip'
  | 'context-lost'
  | { what: 'depth' | 'splat'; error: unknown };

/** Says why a photo, or its depth or 3D, is not to be seen. */
export function explainTrouble(trouble: Trouble): Explanation {
  if (trouble === 'no-picture') {
    return {
      title: 'The picture could not be loaded.',
      advice: 'The original may be missing or damaged, or the connection was lost.',
      detail: '',
      retriable: true,
    };
  }
  if (trouble === 'no-webgl') {
    return {
      title: 'This browser cannot show 3D.',
      advice: 'WebGL 2 is missing or switched off. The flat picture is shown instead.',
      detail: '',
      retriable: false,
    };
  }
  if (trouble === 'no-clip') {
    return {
      title: 'The motion clip could not be played.',
      advice: 'Its file did not load, or this browser does not play it. It can be downloaded.',
      detail: '',
      retriable: false,
    };
  }
  if (trouble === 'context-lost') {
    return {
      title: 'The graphics device stopped.',
      advice: 'This happens when it runs out of memory or was reset. Try again, or go on flat.',
      detail: '',
      retriable: true,
    };
  }
  const { what, error } = trouble;
  if (error instanceof ApiError) return explainError(error);
  return {
    title: `The ${what === 'splat' ? '3D' : 'depth'} of this photo could not be shown.`,
    advice: 'Its file did not load or is not valid. Try again, or make it again.',
    detail: error instanceof Error ? error.message : String(error),
    retriable: true,
  };
}
