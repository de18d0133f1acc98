import { errors } from '../api/catalog.json';

/** What happened, what can be done about it, and whether the same may go well if it is tried again. */
export interface Words {
  sentence: string;
  remedy: string;
  retriable: boolean;
}

/** Errors that this page notices itself: no answer at all; a proxy's refusal without a code. */
const OWN: Record<string, Words> = {
  offline: {
    sentence: 'The server does not answer.',
    remedy: 'Check your connection and that ImmichVR is running, then try again.',
    retriable: true,
  },
  too_many_requests: {
    sentence: 'Too many requests at once.',
    remedy: 'Wait a moment, then try again.',
    retriable: true,
  },
};

/** Words for every code that the API, a job or a live session may answer with. */
export const WORDS: Record<string, Words> = { ...errors, ...OWN };

/** The words for a code. One that a newer server than this page has is told in the server's own, where it says any. */
export function wordsFor(code: string, said = ''): Words {
  const known = WORDS[code];
  if (known) return known;
  return { ...errors.internal, sentence: said.trim() || errors.internal.sentence };
}
