import { errors } from '../api/catalog.json';
import { catalogue, texts } from '../texts';

/** What happened, what can be done about it, and whether the same may go well if it is tried again. */
export interface Words {
  sentence: string;
  remedy: string;
  retriable: boolean;
}

/** Errors that this page notices itself: no answer at all; a proxy's refusal without a code. */
const OWN: Record<string, Words> = {
  offline: own(texts.errors.offline),
  too_many_requests: own(texts.errors.tooMany),
};

function own([sentence = '', remedy = '']: string[]): Words {
  return { sentence, remedy, retriable: true };
}

/** Words for every code that the API, a job or a live session may answer with. */
export const WORDS: Record<string, Words> = { ...translated(errors), ...OWN };

function translated(told: Record<string, Words>): Record<string, Words> {
  const entries = Object.entries(told).map(([code, words]) => {
    const [sentence, remedy] = catalogue.errors[code] ?? [words.sentence, words.remedy];
    return [code, { ...words, sentence, remedy }];
  });
  return Object.fromEntries(entries);
}

/** The words for a code. One that a newer server than this page has is told in the server's own, where it says any. */
export function wordsFor(code: string, said = ''): Words {
  const known = WORDS[code];
  if (known) return known;
  const internal = WORDS.internal as Words;
  return { ...internal, sentence: said.trim() || internal.sentence };
}
