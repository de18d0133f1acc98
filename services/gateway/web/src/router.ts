/** What can be looked for, and where: what pictures show, or words. */
export type SearchMode = 'smart' | 'name' | 'description' | 'ocr';

export type Route =
  | { [V in Fixed]: { view: V } }[Fixed]
  | { [V in Named]: { view: V; id: string } }[Named]
  | { view: 'place'; city: string; country: string | null }
  | { view: 'memories'; day: string | null; plays?: true }
  | { view: 'search'; q: string; mode: SearchMode | null };

const FIXED = [
  'gallery',
  'videos',
  'albums',
  'people',
  'places',
  'tags',
  'favourites',
  'jobs',
  'models',
  'account',
  'automation',
  'settings',
  'scenes',
] as const;
type Fixed = (typeof FIXED)[number];
type Named = 'photo' | 'video' | 'album' | 'person' | 'tag' | 'scene';

/** Lists of photos and videos, and lists of those lists: what is shown beside the navigation. */
export type PlaceRoute = Exclude<
  Route,
  { view: 'gallery' | 'videos' | 'photo' | 'video' | PageView }
>;

const NAMED = new Set<string>(['photo', 'video', 'album', 'person', 'tag', 'scene']);
const MODES = new Set<string>(['smart', 'name', 'description', 'ocr']);
const ID = /^[a-z0-9_-]+$/i;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** The route that a location hash means; what is not understood is the gallery. */
export function parseHash(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', given = ''] = path.split('/', 2);
  const asked = new URLSearchParams(query);
  const fixed = FIXED.find((one) => one === view);
  if (fixed && !given) return { view: fixed } as Route;
  if (view === 'memories') {
    const day = DAY.test(given) ? given : null;
    return asked.has('play') ? { view, day, plays: true } : { view, day };
  }
  if (view === 'search') {
    const mode = asked.get('mode') ?? '';
    return { view, q: asked.get('q') ?? '', mode: MODES.has(mode) ? (mode as SearchMode) : null };
  }
  if (view === 'place') {
    const city = asked.get('city');
    return city ? { view, city, country: asked.get('country') } : { view: 'gallery' };
  }
  if (NAMED.has(view)) return ID.test(given) ? ({ view, id: given } as Route) : { view: 'gallery' };
  return { view: 'gallery' };
}

export const HOME = '#/';
export const VIDEOS = '#/videos';
export const ALBUMS = '#/albums';
export const PEOPLE = '#/people';
export const PLACES = '#/places';
export const TAGS = '#/tags';
export const FAVOURITES = '#/favourites';
export const MEMORIES = '#/memories';
export const SEARCH = '#/search';
export const JOBS = '#/jobs';
export const MODELS = '#/models';
export const ACCOUNT = '#/account';
export const AUTOMATION = '#/automation';
export const SETTINGS = '#/settings';
export const SCENES = '#/scenes';
export const photoHash = (id: string): string => `#/photo/${id}`;
export const videoHash = (id: string): string => `#/video/${id}`;
export const sceneHash = (id: string): string => `#/scene/${id}`;
export const albumHash = (id: string): string => `#/album/${id}`;
export const tagHash = (id: string): string => `#/tag/${id}`;
export const personHash = (id: string): string => `#/person/${id}`;
export const memoriesHash = (day: string, plays = false): string =>
  `#/memories/${day}${plays ? '?play' : ''}`;

export function placeHash(city: string, country: string | null): string {
  return `#/place?${new URLSearchParams(country ? { city, country } : { city })}`;
}

export function searchHash(q: string, mode: SearchMode | null): string {
  return `#/search?${new URLSearchParams(mode ? { q, mode } : { q })}`;
}

const isOpened = ({ view }: Route): boolean => view === 'photo' || view === 'video';

/** Pages that stand alone, over whatever was looked at. */
const PAGES = ['models', 'account', 'automation', 'settings', 'scenes', 'scene'] as const;
export type PageView = (typeof PAGES)[number];

export const isPage = (route: Route): route is Extract<Route, { view: PageView }> =>
  PAGES.some((view) => view === route.view);

/** Whether photos and videos are opened over this, and left to come back to it. */
const isList = (route: Route): boolean => !isOpened(route) && !isPage(route);

/** What the browser keeps with an entry of its history. */
interface Kept {
  /** How many entries of this page lie before it. */
  at: number;
  /** The list that a photo or a video was opened from, as a hash. */
  from?: string;
  /** Whether it is the film of the photo that one came from. */
  film?: true;
  /** Whether it is there only so that Back takes away what covers the page: without that it is passed over. */
  covers?: true;
}

/** Adds an entry to the history, so that Back takes away what covers the page. */
export const coverPage = (): void => history.pushState({ ...history.state, covers: true }, '');

/** Follows the location hash. What was opened from a list can be left with the back button, after a reload too. */
export class Router {
  /** Where in the history the entry lies that is shown. */
  private at = 0;

  constructor(private readonly onRoute: (route: Route) => void) {}

  start(): void {
    this.keep({ at: 0 });
    // Nothing covers a page that was just loaded, and what Forward leads back to is gone.
    const passOver = () => this.kept?.covers && history.back();
    window.addEventListener('popstate', passOver);
    passOver();
    window.addEventListener('hashchange', (event) => {
      const before = new URL(event.oldURL).hash;
      const [left, now] = [parseHash(before), this.current()];
      const isOver = isOpened(now) && isList(left);
      const isFilm = left.view === 'photo' && now.view === 'video' && left.id === now.id;
      this.keep({
        at: this.at + 1,
        ...(isOver && { from: before }),
        ...(isFilm && { film: true as const }),
      });
      this.onRoute(this.current());
    });
    this.onRoute(this.current());
  }

  current(): Route {
    return parseHash(location.hash);
  }

  /** The list that lies below the photo or video that is shown; anything else itself. */
  list(): Route {
    const route = this.current();
    if (!isOpened(route)) return route;
    if (this.from !== undefined) return parseHash(this.from);
    return { view: route.view === 'video' ? 'videos' : 'gallery' };
  }

  /** Shows another photo or video in place, so that "back" still leads to the list. */
  replace(hash: string): void {
    history.replaceState(history.state, '', hash);
    this.onRoute(this.current());
  }

  /** Goes back to where a page that stands alone was opened from. */
  leavePage(): void {
    if (this.at > 0) history.back();
    else location.hash = HOME;
  }

  /** Leaves a photo or a video; the film of a photo for that. */
  toList(): void {
    if (this.from !== undefined || this.kept?.film) history.back();
    else location.hash = this.list().view === 'videos' ? VIDEOS : HOME;
  }

  /** Marks an entry that is new; one that Back or Forward led to stays what it was. */
  private keep(fresh: Kept): void {
    const { kept } = this;
    if (!kept) history.replaceState(fresh, '');
    this.at = (kept ?? fresh).at;
  }

  private get from(): string | undefined {
    return this.kept?.from;
  }

  private get kept(): Kept | null {
    const state = history.state as Partial<Kept> | null;
    return state?.at === undefined ? null : (state as Kept);
  }
}
