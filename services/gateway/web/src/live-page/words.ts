import type { Trouble } from './protocol';
import type { State } from './stream';

const STATES: Record<State, string> = {
  closed: 'Choose a camera or a video.',
  connecting: 'Connecting…',
  waiting: 'Waiting for a worker. The first time this may take a minute.',
  live: 'Live',
};

const ADVICE: Record<string, string> = {
  unknown_model: 'The server does not know this model. Choose another one in the settings.',
  licence_required:
    'The licence of this model has to be accepted first, on the page about models in the gallery.',
  consent_required:
    'The weights of this model are not on the server. Fetch them first, on the page about models in the gallery.',
  no_worker: 'No worker was free in time. Try again when the server is less busy.',
  too_many_sessions: 'Too many live sessions are open. Close one, or try again later.',
  output_unavailable: 'This model cannot show that. Choose splats, or another model.',
  out_of_memory: 'The server ran out of memory. Choose a lower quality or a smaller model.',
  offline: 'The server does not answer. Check the connection, then begin again.',
  not_installed: 'This model is not installed on the server. Choose another one.',
};

export const stateWords = (state: State): string => STATES[state];

/** What went wrong, for people: our words where we have some, else the server's. */
export function adviceFor({ code, message }: Trouble): string {
  return ADVICE[code] ?? (message || 'Something went wrong on the server.');
}
