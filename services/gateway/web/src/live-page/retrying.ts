/** What ends a session that may simply begin anew. */
export const PASSING = new Set([
  'session_over',
  'worker_gone',
  'worker_crashed',
  'returned',
  'unavailable',
]);

/** Before the first try again; before each further one as much longer. */
export const RETRY_MS = 1000;
