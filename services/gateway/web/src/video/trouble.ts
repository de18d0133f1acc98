import type { Explanation } from '../ui/errors';
import type { FilmTrouble } from './player';

const WORDS: Record<FilmTrouble, Omit<Explanation, 'detail'>> = {
  'no-film': {
    title: 'This video cannot be played here.',
    advice:
      'This browser may not know its format, or the connection was lost. It can be downloaded.',
    retriable: true,
  },
  'no-depth': {
    title: 'The depth of this video could not be shown.',
    advice: 'Its file did not load or does not play here. The flat video goes on.',
    retriable: true,
  },
  'no-webgl': {
    title: 'This browser cannot show depth.',
    advice: 'WebGL 2 is missing or switched off. The flat video is shown instead.',
    retriable: false,
  },
  'context-lost': {
    title: 'The graphics device stopped.',
    advice: 'This happens when it runs out of memory or was reset. Try again, or go on flat.',
    retriable: true,
  },
};

/** Says why a video, or its depth, is not to be seen. */
export const explainFilm = (trouble: FilmTrouble): Explanation => ({
  ...WORDS[trouble],
  detail: '',
});
