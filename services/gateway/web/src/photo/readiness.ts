import { hasWebGl, isOnFastLink } from '../render/device';

/** Where a photo is about to be opened: a pointer over its tile, or the focus on it. */
const SIGNS = ['pointerover', 'pointerdown', 'focusin'] as const;

/**
 * Has what draws photos at hand by the time that one of this list is opened: its code is read, and the device asked
 * what it can do, as soon as a photo is pointed at. Not where data is dear: there a photo's own picture comes first.
 */
export function readyOnIntent(list: HTMLElement): void {
  const end = new AbortController();
  const begin = ({ target }: Event) => {
    if (!(target as Element).closest('.tile')) return;
    end.abort();
    if (!isOnFastLink() || !hasWebGl()) return;
    // What cannot be read now is read again, and told of, when it is needed.
    import('../render/viewport').catch(() => {});
  };
  for (const sign of SIGNS)
    list.addEventListener(sign, begin, { passive: true, signal: end.signal });
}
