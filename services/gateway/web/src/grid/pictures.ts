import type { Api } from '../api/client';
import type { Item } from '../api/schema';
import type { Store } from '../store';
import type { GridActions } from './grid';
import { wantsLarger } from './sharpness';

/** What every grid of this page shows of its items, and how they are chosen. */
export const usualActions = (
  api: Api,
  store: Store,
): Required<Pick<GridActions, 'thumbnail' | 'wantsLarger' | 'isChosen'>> => ({
  thumbnail: (item, larger) => api.tileUrl(item as Item, larger),
  wantsLarger: (box) => wantsLarger(box, devicePixelRatio, store.config?.library ?? 'immich'),
  isChosen: (id) => (store.selection.isAllowed ? store.selection.has(id) : null),
});
