import { ApiError } from '../api/client';
import { explainRefusal } from '../ui/errors';
import type { House } from './room';

type Server = Pick<House, 'api' | 'store' | 'making'>;

/** Has 3D made of a photo. Answers with why not, or null. */
export const make = ({ api, store, making }: Server, id: string): Promise<string | null> =>
  refusalOf(async () =>
    store.applyJob(await api.makeOf('photo', id, 'splat', { ...making, force: false })),
  );

/** Makes a photo a favourite, or none any more; it is shown at once, and taken back where the server refuses. */
export async function favour({ api, store }: Server, id: string): Promise<string | null> {
  const wanted = !store.photos.get(id)?.favorite;
  store.applyFavourite(id, wanted);
  const refusal = await refusalOf(() => api.setFavourite('photo', id, wanted));
  if (refusal) store.applyFavourite(id, !wanted);
  return refusal;
}

async function refusalOf(deed: () => Promise<void>): Promise<string | null> {
  try {
    await deed();
    return null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return explainRefusal(error).title;
  }
}
