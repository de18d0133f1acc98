/** What can be looked for, and where: what pictures show, or words. */
export type SearchMode = 'smart' | 'name' | 'description' | 'ocr';

export type Route =
  | { [V in Fixed]: { view: V } }[Fixed]
  | { [V in Named]: { view: V; id: string } }[Named]
  | { view: 'place'; city: string; country: string | null }
  | { view: 'memories'; day: string | null }
  | { view: 'search'; q: string; mode: SearchMode | null };

const FIXED = [
  'gallery',
  'videos',
  'albums',
  'people',
  'places',
  'favourites',
  'jobs',
  'models',
  'account',
  'automation',
] as const;
type Fixed = (typeof FIXED)[number];
type Named = 'photo' | 'video' | 'album' | 'person';

/** Lists of photos and videos, and lists of those lists: what is shown beside the navigation. */
export type PlaceRoute = Exclude<
  Route,
  { view: 'gallery' | 'videos' | 'photo' | 'video' | 'models' | 'account' | 'automation' }
>;

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
  if (view === 'memories') return { view, day: DAY.test(given) ? given : null };
  if (view === 'search') {
    const mode = asked.get('mode') ?? '';
    return { view, q: asked.get('q') ?? '', mode: MODES.has(mode) ? (mode as SearchMode) : null };
  }
  if (view === 'place') {
    const city = asked.get('city');
    return city ? { view, city, country: asked.get('country') } : { view: 'gallery' };
  }
  if (view === 'photo' || view === 'video' || view === 'album' || view === 'person')
    return ID.test(given) ? ({ view, id: given } as Route) : { view: 'gallery' };
  return { view: 'gallery' };
}

export const HOME = '#/';
export const VIDEOS = '#/videos';
export const ALBUMS = '#/albums';
export const PEOPLE = '#/people';
export const PLACES = '#/places';
export const FAVOURITES = '#/favourites';
export const MEMORIES = '#/memories';
export const SEARCH = '#/search';
export const JOBS = '#/jobs';
export const MODELS = '#/models';
export const ACCOUNT = '#/account';
export const AUTOMATION = '#/automation';
export const photoHash = (id: string): string => `#/photo/${id}`;
export const videoHash = (id: string): string => `#/video/${id}`;
export const albumHash = (id: string): string => `#/album/${id}`;
export const personHash = (id: string): string => `#/person/${id}`;
export const memoriesHash = (day: string): string => `#/memories/${day}`;

export function placeHash(city: string, country: string | null): string {
  return `#/place?${new URLSearchParams(country ? { city, country } : { city })}`;
}

export function searchHash(q: string, mode: SearchMode | null): string {
  return `#/search?${new URLSearchParams(mode ? { q, mode } : { q })}`;
}

/** Whether photos and videos are opened over this, and left to come back to it. */
const isList = ({ view }: Route): boolean => view !== 'photo' && view !== 'video';

/** What the browser keeps with an entry of its history: the list that a photo was opened from, as a hash. */
interface Kept {
  from?: string;
}

/** Follows the location hash. What was opened from a list can be left with the back button, after a reload too. */
export class Router {
  private cameToPage = false;

  constructor(private readonly onRoute: (route: Route) => void) {}

  start(): void {
    window.addEventListener('hashchange', (event) => {
      const before = new URL(event.oldURL).hash;
      const from = parseHash(before);
      const to = this.current();
      if (!isList(to) && isList(from) && !this.from)
        history.replaceState({ from: before } satisfies Kept, '');
      this.cameToPage = isList(to);
      this.onRoute(to);
    });
    this.onRoute(this.current());
  }

  current(): Route {
    return parseHash(location.hash);
  }

  /** The list that lies below the photo or video that is shown. */
  list(): Route {
    const route = this.current();
    if (isList(route)) return route;
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
    if (this.cameToPage) history.back();
    else location.hash = HOME;
  }

  /** Leaves a photo or a video. */
  toList(): void {
    if (this.from !== undefined) history.back();
    else location.hash = this.list().view === 'videos' ? VIDEOS : HOME;
  }

  private get from(): string | undefined {
    return (history.state as Kept | null)?.from;
  }
}
