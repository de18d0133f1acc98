import { texts } from '../texts';
import { wordsFor } from '../ui/error-words';
import type { Trouble } from './protocol';
import type { State } from './stream';

export const stateWords = (state: State): string => texts.live.states[state];

/** What went wrong, for people: our words where we have some, else the server's. */
export function adviceFor({ code, message }: Trouble): string {
  const { sentence, remedy } = wordsFor(code, message);
  return `${sentence} ${remedy}`;
}
