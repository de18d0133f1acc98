import './places.css';
import type { Api } from '../api/client';
import { ApiError, type Page } from '../api/client';
import type { Item } from '../api/schema';
import { ItemList } from '../grid/items';
import type { PlaceRoute } from '../router';
import type { Settings } from '../settings/settings';
import type { Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { BatchList } from './batches';
import { Head } from './head';
import { JobList } from './jobs';
import { albumFacts, albumList, peopleList, placeList } from './lists';
import { Memories } from './memories';
import { Search } from './search';
import { Tags } from './tags';

interface Place {
  element: HTMLElement;
  list?: ItemList;
}

/** Albums, people, places, favourites, memories, search and jobs: made when they are first opened, kept as they were left. */
export class Places {
  private readonly made = new Map<string, Place>();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly settings: Settings,
    private readonly scroller: HTMLElement,
    private readonly go: (hash: string) => void,
  ) {}

  /**
   * What this route shows; `fill` brings what it lists, and comes to its end when that is there. anew: one came from
   * elsewhere, not from a photo or a video that was opened here.
   */
  show(
    route: PlaceRoute,
    anew: boolean,
  ): { element: HTMLElement; list: ItemList | null; fill(): Promise<void> } {
    const { view } = route;
    if (view === 'albums') return this.cards(view, texts.albums.title, albumList);
    if (view === 'people')
      return this.cards(view, texts.people.title, (api, scroller) =>
        peopleList(api, this.store, scroller),
      );
    if (view === 'places') return this.cards(view, texts.places.title, placeList);
    if (view === 'tags') {
      const tags = this.tags();
      return { element: tags.element, list: null, fill: () => tags.load() };
    }
    if (view === 'tag') return this.tagged(route.id);
    if (view === 'album' || view === 'person') return this.collection(view, route.id);
    if (view === 'place') return this.town(route.city, route.country);
    if (view === 'favourites') return this.favourites(anew);
    if (view === 'jobs') return this.jobs(anew);
    if (view === 'memories') {
      const memories = this.once(
        view,
        () => new Memories(this.api, this.store, this.scroller, this.settings, this.go),
      );
      return { ...parts(memories), fill: () => memories.open(route.day, route.plays ?? false) };
    }
    const search = this.once(
      'search',
      () => new Search(this.api, this.store, this.scroller, this.go),
    );
    return { ...parts(search), fill: () => search.open(route.q, route.mode) };
  }

  /** Ends what is over the page, where one has gone elsewhere. */
  leave(): void {
    (this.made.get('memories') as Memories | undefined)?.stop();
    (this.made.get('search') as Search | undefined)?.leave();
  }

  private cards<C extends { element: HTMLElement; load(): Promise<void> }>(
    view: string,
    title: string,
    make: (api: Api, scroller: HTMLElement) => C,
  ) {
    const place = this.once(view, () => {
      const cards = make(this.api, this.scroller);
      const head = new Head(title);
      return { element: el('main', { class: 'place-main' }, head.element, cards.element), cards };
    });
    return { element: place.element, list: null, fill: () => place.cards.load() };
  }

  private jobs(anew: boolean) {
    const place = this.once('jobs', () => {
      const jobs = new JobList(this.api, this.store);
      const batches = new BatchList(this.api, this.store);
      const head = new Head(texts.jobs.title).element;
      const element = el('main', { class: 'place-main' }, head, batches.element, jobs.element);
      return { element, batches, jobs };
    });
    const fill = async () => {
      void place.batches.load();
      if (anew) await place.jobs.open();
    };
    return { element: place.element, list: null, fill };
  }

  private collection(view: 'album' | 'person', id: string) {
    const place = this.listing(view);
    const isAlbum = view === 'album';
    return this.filled(place, id, async (again) => {
      const t = isAlbum ? texts.albums : texts.people;
      place.head.set('');
      const read = (cursor: string | null) =>
        this.api.itemsOf(isAlbum ? 'albums' : 'people', id, cursor);
      const listed = place.list.load(read, () =>
        place.list.notice.tell(
          { title: t.empty, advice: t.emptyAdvice },
          isAlbum ? 'album' : 'people',
        ),
      );
      try {
        if (isAlbum) {
          const album = await this.api.album(id);
          if (place.key !== id) return; // another one is looked at by now
          place.head.set(album.name, albumFacts(album), album.external_url);
        } else {
          const person = await this.api.person(id);
          if (place.key !== id) return;
          place.head.set(person.name || texts.people.unnamed, '', person.external_url);
        }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        await listed;
        if (place.key === id) place.list.notice.explain(error, again);
      }
      await listed;
    });
  }

  private tags(): Tags {
    return this.once('tags', () => new Tags(this.api));
  }

  private tagged(id: string) {
    const place = this.listing('tag');
    return this.filled(place, id, async (again) => {
      place.head.set('');
      const listed = place.list.load(
        (cursor) => this.api.itemsOf('tags', id, cursor),
        () =>
          place.list.notice.tell(
            { title: texts.tags.empty, advice: texts.tags.emptyAdvice },
            'tag',
          ),
      );
      try {
        const name = await this.tags().nameOf(id);
        if (place.key === id) place.head.set(name);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        await listed;
        if (place.key === id) place.list.notice.explain(error, again);
      }
      await listed;
    });
  }

  private town(city: string, country: string | null) {
    const place = this.listing('place');
    return this.filled(place, JSON.stringify([city, country]), async () => {
      place.head.set(city, country ?? '');
      const { empty, emptyAdvice } = texts.places;
      await place.list.load(
        (cursor) => this.api.itemsOfPlace(city, country, cursor),
        () => place.list.notice.tell({ title: empty, advice: emptyAdvice }, 'pin'),
      );
    });
  }

  private favourites(anew: boolean) {
    const place = this.listing('favourites');
    if (anew) place.key = ''; // what was marked meanwhile is listed
    return this.filled(place, 'favourites', async () => {
      place.head.set(texts.favourites.title);
      const { none, noneAdvice } = texts.favourites;
      await place.list.load(
        (cursor) => photosThenVideos((kind, at) => this.api.favourites(kind, at), cursor),
        () => place.list.notice.tell({ title: none, advice: noneAdvice }, 'heart'),
      );
    });
  }

  private listing(view: string): Place & { list: ItemList; head: Head; key: string } {
    return this.once(view, () => {
      const list = new ItemList(this.api, this.store, this.scroller, texts.nav.photos);
      const head = new Head();
      const element = el('main', { class: 'place-main' }, head.element, list.element);
      return { element, list, head, key: '' };
    });
  }

  /** Fills a listing, unless it shows this already, as when one comes back to it. */
  private filled(
    place: Place & { list: ItemList; key: string },
    key: string,
    fill: (again: () => void) => Promise<void>,
  ) {
    const again = (): Promise<void> => fill(() => void again());
    const run = async () => {
      if (place.key === key) return;
      place.key = key;
      await again();
    };
    return { element: place.element, list: place.list, fill: run };
  }

  private once<P extends Place>(view: string, make: () => P): P {
    const known = this.made.get(view) ?? make();
    this.made.set(view, known);
    return known as P;
  }
}

const parts = ({ element, list }: { element: HTMLElement; list: ItemList }) => ({ element, list });

/** Pages of photos, and when those are at their end, of videos. */
export async function photosThenVideos(
  read: (kind: 'photo' | 'video', cursor: string | null) => Promise<Page<Item>>,
  cursor: string | null,
): Promise<Page<Item>> {
  const [kind, at] = cursor?.startsWith('video ')
    ? (['video', cursor.slice('video '.length) || null] as const)
    : (['photo', cursor] as const);
  const page = await read(kind, at);
  if (kind === 'video')
    return { ...page, next_cursor: page.next_cursor && `video ${page.next_cursor}` };
  return { ...page, next_cursor: page.next_cursor ?? 'video ' };
}
