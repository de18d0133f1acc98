import type { RgbdLayout } from '../api/schema';
import { el } from '../ui/dom';
import type { PartsFeed } from './parts';

/** A film with colour and depth side by side. */
export interface Film {
  element: HTMLVideoElement;
  layout: RgbdLayout;
  /** Where in the video it begins, in seconds: depth may have been made of a part alone. */
  start: number;
  /** Up to where it can be watched now, in seconds. */
  reach(): number;
}

/** Depth that is still being made is left this long before its end, and taken up with so much of it ahead. */
const LEAVE_BEFORE_S = 0.25;
const ENTER_BEFORE_S = { standing: 0.3, playing: 2 };

/** A video as the library plays it. */
export const flatAt = (name: string, source: string, poster: string): HTMLVideoElement =>
  el('video', {
    class: 'flat',
    src: source,
    poster,
    preload: 'auto',
    playsinline: true,
    'aria-label': name,
  });

/** A film at an address, made to its end. */
export function filmAt(address: string, layout: RgbdLayout, start: number): Film {
  const element = el('video', { src: address, preload: 'auto' });
  return { element, layout, start, reach: () => start + (element.duration || Infinity) };
}

/** A film whose parts are still being made. */
export function filmOf(feed: PartsFeed, start: number): Film | null {
  const { film: element, layout } = feed;
  return layout && { element, layout, start, reach: () => start + feed.reach };
}

/** Whether depth can be watched from here on: where it is shown, a little longer than where it is not. */
export function reaches(
  film: Film,
  at: { time: number; duration: number },
  how: { shown: boolean; playing: boolean },
): boolean {
  const reach = film.reach();
  const ahead = how.shown ? LEAVE_BEFORE_S : ENTER_BEFORE_S[how.playing ? 'playing' : 'standing'];
  if (at.time < film.start) return false;
  return reach >= at.duration - ahead || at.time < reach - ahead;
}
