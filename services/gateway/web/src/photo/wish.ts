import type { Mode } from './modes';

const KEY = 'immichvr.wish';

/** How photos are wished to be seen, as it was chosen before the page was loaded again. */
export function wishedBefore(): Mode {
  const kept = sessionStorage.getItem(KEY);
  return kept === 'flat' || kept === 'depth' ? kept : 'splat';
}

export function keepWish(wish: Mode): void {
  sessionStorage.setItem(KEY, wish);
}
