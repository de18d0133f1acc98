import type { Timeline } from '../gallery/timeline';
import type { Route } from '../router';
import type { House } from './room';
import { Library, type Shelf, shelvesFor } from './shelves';
import type { Source } from './sources';
import { texts } from './texts';

const t = texts.shelves;
const TAKEN = ['albums', 'people', 'memories', 'favourites', 'videos', 'scenes'];

/** Which shelf of the library is on the wall, or which album of it, or what was found. */
export class Shelving {
  shelf = 'photos';
  title: string = t.photos;
  source: Source;
  private readonly library: Library;
  /** What was shown before one went into an album. */
  private above: { title: string; source: Source; card: string } | null = null;

  /** shows: something else is on the wall now, from its first card on or from one of them. */
  constructor(
    private readonly house: Pick<House, 'api' | 'store'>,
    timeline: Timeline,
    private readonly shows: (source: Source, from: string | null) => void,
  ) {
    this.library = new Library(house.api, house.store, timeline);
    this.source = this.library.open('photos');
  }

  /** Whether one is in an album, or with a person. */
  get isBelow(): boolean {
    return this.above !== null;
  }

  get shelves(): Shelf[] {
    const { config, share } = this.house.store;
    return shelvesFor(config?.library ?? 'folder', share !== null);
  }

  /** Shows what the page shows. */
  suit(route: Route): void {
    if (this.house.store.share) return;
    if (route.view === 'album') this.follow(`albums ${route.id}`, t.albums);
    else if (route.view === 'person') this.follow(`people ${route.id}`, t.people);
    else if (route.view === 'search' && route.q) this.find(route.q);
    else if (TAKEN.includes(route.view)) this.take(route.view);
  }

  /** Takes a shelf; false where there is none of that name. The search has nothing to show before it has found. */
  take(shelf: string): boolean {
    const found = this.shelves.find(({ id }) => id === shelf);
    if (!found) return false;
    this.shelf = shelf;
    if (shelf === 'search') return true;
    this.drop();
    this.title = found.label;
    this.show(this.library.open(shelf));
    return true;
  }

  /** Goes into an album, or to a person. */
  follow(way: string, title: string): void {
    this.above = { title: this.title, source: this.source, card: way };
    this.title = title;
    this.show(this.library.follow(way));
  }

  goBack(): void {
    const { above } = this;
    if (!above) return;
    this.above = null;
    this.source.dispose();
    this.title = above.title;
    this.show(above.source, above.card);
  }

  find(words: string): void {
    this.drop();
    this.title = texts.voice.found(words);
    this.show(this.library.search(words));
  }

  dispose(): void {
    this.drop();
  }

  private show(source: Source, from: string | null = null): void {
    this.source = source;
    this.shows(source, from);
  }

  private drop(): void {
    this.above?.source.dispose();
    this.above = null;
    this.source.dispose();
  }
}
