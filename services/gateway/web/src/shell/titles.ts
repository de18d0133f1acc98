import type { Route } from '../router';
import { NAVIGATION } from './places';

/** What the browser's tab says: where one is. */
export function titleOf({ view }: Route, name?: string): string {
  const place = NAVIGATION.flat().find(({ views }) => views.includes(view));
  const where = name ?? (view === 'gallery' ? '' : place?.label);
  return where ? `${where} · ImmichVR` : 'ImmichVR';
}
