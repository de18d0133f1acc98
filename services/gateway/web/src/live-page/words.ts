import { wordsFor } from '../ui/error-words';
import type { Trouble } from './protocol';
import type { State } from './stream';

const STATES: Record<State, string> = {
  closed: 'Point a camera at something, or open a video: it is shown in 3D while it runs.',
  connecting: 'Connecting…',
  waiting: 'Waiting for a worker. The first time this may take a minute.',
  live: 'Running',
};

export const stateWords = (state: State): string => STATES[state];

/** What went wrong, for people: our words where we have some, else the server's. */
export function adviceFor({ code, message }: Trouble): string {
  const { sentence, remedy } = wordsFor(code, message);
  return `${sentence} ${remedy}`;
}
