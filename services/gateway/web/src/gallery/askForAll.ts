import { ApiError } from '../api/client';

/** How far somebody is with asking for many things. */
export interface Asked {
  asked: number;
  refused: number;
  /** Why the first of those that were refused was. */
  why: ApiError | null;
}

const AT_A_TIME = 3;
/** As much waits as may wait: later there is room. */
const NO_ROOM = new Set(['too_many_jobs', 'too_many_requests']);
/** What is refused for one is so for all. */
const FOR_ALL = new Set(['offline', 'unavailable', 'unauthorized', 'storage_full', 'read_only']);

/**
 * Asks for something for each of many, a few at a time, in order. Waits for room where no more may wait; goes on past
 * what is refused. tell: after each answer.
 */
export async function askForAll<T>(
  items: readonly T[],
  ask: (item: T) => Promise<unknown>,
  room: () => Promise<void>,
  tell: (so: Asked) => void,
): Promise<Asked> {
  const so: Asked = { asked: 0, refused: 0, why: null };
  const left = [...items];
  const refuse = (error: ApiError, count: number) => {
    so.refused += count;
    so.why ??= error;
  };
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      try {
        await ask(item);
        so.asked += 1;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (NO_ROOM.has(error.code)) {
          left.unshift(item);
          await room();
          continue;
        }
        refuse(error, 1);
        if (FOR_ALL.has(error.code)) refuse(error, left.splice(0).length);
      }
      tell({ ...so });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return so;
}
