import { told } from '../photo/trouble';
import { texts } from '../texts';
import type { Explanation } from '../ui/errors';
import type { FilmTrouble } from './player';

const t = texts.trouble;

const WORDS: Record<FilmTrouble, Explanation> = {
  'no-film': told(t.film, true),
  'no-depth': told(t.filmDepth, true),
  'no-webgl': told(t.noDepth, false),
  'context-lost': told(t.device, true),
};

/** Says why a video, or its depth, is not to be seen. */
export const explainFilm = (trouble: FilmTrouble): Explanation => WORDS[trouble];
