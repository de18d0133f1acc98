export type Route =
  | { view: 'gallery' }
  | { view: 'photo' | 'video'; id: string }
  | { view: 'videos' | 'models' | 'account' | 'automation' };

const ITEM = /^#\/(photo|video)\/([a-z0-9-]+)$/i;

/** The route that a location hash means; what is not understood is the gallery. */
export function parseHash(hash: string): Route {
  const [, kind, id] = ITEM.exec(hash) ?? [];
  if (hash === VIDEOS) return { view: 'videos' };
  if (hash === MODELS) return { view: 'models' };
  if (hash === ACCOUNT) return { view: 'account' };
  if (hash === AUTOMATION) return { view: 'automation' };
  if (!kind || !id) return { view: 'gallery' };
  return { view: kind.toLowerCase() === 'photo' ? 'photo' : 'video', id };
}

export const VIDEOS = '#/videos';
export const MODELS = '#/models';
export const ACCOUNT = '#/account';
export const AUTOMATION = '#/automation';
export const photoHash = (id: string): string => `#/photo/${id}`;
export const videoHash = (id: string): string => `#/video/${id}`;

const STANDS_ALONE = new Set(['models', 'account', 'automation']);
/** The list that photos, or videos, are opened from. */
const LISTS: Partial<Record<Route['view'], Route['view']>> = { photo: 'gallery', video: 'videos' };

/** Follows the location hash. Photos and videos opened from their list can be left with the back button. */
export class Router {
  private cameFromList = false;
  private cameToPage = false;

  constructor(private readonly onRoute: (route: Route) => void) {}

  start(): void {
    window.addEventListener('hashchange', (event) => {
      const from = parseHash(new URL(event.oldURL).hash);
      const to = this.current();
      if (LISTS[to.view] === from.view) this.cameFromList = true;
      if (to.view === 'gallery' || to.view === 'videos') this.cameFromList = false;
      this.cameToPage = STANDS_ALONE.has(to.view);
      this.onRoute(to);
    });
    this.onRoute(this.current());
  }

  current(): Route {
    return parseHash(location.hash);
  }

  /** Shows another photo or video in place, so that "back" still leads to the list. */
  replace(hash: string): void {
    history.replaceState(null, '', hash);
    this.onRoute(this.current());
  }

  /** Goes back to where a page that stands alone was opened from. */
  leavePage(): void {
    if (this.cameToPage) history.back();
    else location.hash = '#/';
  }

  /** Leaves a photo or a video. */
  toList(): void {
    if (this.cameFromList) history.back();
    else location.hash = this.current().view === 'video' ? VIDEOS : '#/';
  }
}
