import type { Api } from '../api/client';
import type { Album, Memory, Person, Scene, Video } from '../api/schema';
import { today, yearsAgo } from '../gallery/day';
import type { Timeline } from '../gallery/timeline';
import type { Store } from '../store';
import type { IconName } from '../ui/icons';
import {
  type Card,
  itemCard,
  itemsSource,
  PagedSource,
  type Source,
  TimelineSource,
} from './sources';
import { texts } from './texts';

const t = texts.shelves;

export interface Shelf {
  id: string;
  label: string;
  icon: IconName;
}

/** What can be chosen beside the wall. A share link has its photos alone, and a folder knows nobody. */
export function shelvesFor(library: string, shared: boolean): Shelf[] {
  const photos: Shelf = { id: 'photos', label: t.photos, icon: 'photos' };
  if (shared) return [photos];
  const all: Shelf[] = [
    photos,
    { id: 'memories', label: t.memories, icon: 'memory' },
    { id: 'albums', label: t.albums, icon: 'album' },
    { id: 'people', label: t.people, icon: 'people' },
    { id: 'favourites', label: t.favourites, icon: 'heart' },
    { id: 'videos', label: t.videos, icon: 'film' },
    { id: 'scenes', label: t.scenes, icon: 'cube' },
    { id: 'search', label: t.search, icon: 'search' },
  ];
  return library === 'folder' ? all.filter(({ id }) => id !== 'people' && id !== 'memories') : all;
}

/** Opens shelves, and what lies in albums and behind people. */
export class Library {
  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly timeline: Timeline,
  ) {}

  open(shelf: string): Source {
    const { api, store } = this;
    if (store.share) return itemsSource(api, store, (cursor) => api.photos(cursor));
    switch (shelf) {
      case 'albums':
        return new PagedSource<Album>(
          (cursor) => api.albums(cursor),
          (album) => this.albumCard(album),
        );
      case 'people':
        return new PagedSource<Person>(
          (cursor) => api.people(cursor),
          (person) => this.personCard(person),
        );
      case 'memories':
        return this.memories();
      case 'favourites':
        return itemsSource(api, store, (cursor) => api.favourites('photo', cursor));
      case 'videos':
        return new PagedSource<Video>(
          (cursor) => api.videos(cursor),
          (video) => itemCard(api, video),
        );
      case 'scenes':
        return new PagedSource<Scene>(
          (cursor) => api.scenes(cursor),
          (scene) => this.sceneCard(scene),
        );
      default:
        return new TimelineSource(api, store, this.timeline);
    }
  }

  /** What lies behind a card that is a way: `albums ID` or `people ID`. */
  follow(way: string): Source {
    const [of = '', id = ''] = way.split(' ');
    return itemsSource(this.api, this.store, (cursor) =>
      this.api.itemsOf(of === 'people' ? 'people' : 'albums', id, cursor),
    );
  }

  search(words: string): Source {
    const mode = this.store.config?.library === 'folder' ? 'name' : 'smart';
    return itemsSource(this.api, this.store, (cursor) => this.api.search(words, mode, cursor));
  }

  private memories(): Source {
    const day = today();
    const read = async () => {
      const memories = await this.api.memories(day);
      return { items: memories, next_cursor: null };
    };
    const flat = async () => {
      const { items } = await read();
      return {
        items: items.flatMap((one: Memory) => one.items.map((item) => ({ item, one }))),
        next_cursor: null,
      };
    };
    return new PagedSource(
      flat,
      ({ item, one }): Card => {
        const card = itemCard(this.api, item);
        return card.kind === 'item'
          ? { ...card, item: { ...card.item, name: yearsAgo(one, day) } }
          : card;
      },
      (entries) => this.store.meet(entries.map(({ item }) => item)),
    );
  }

  private albumCard(album: Album): Card {
    return {
      kind: 'way',
      id: `albums ${album.id}`,
      name: album.name,
      facts: t.items(album.count),
      picture: album.cover && this.api.url(album.cover),
    };
  }

  private sceneCard({ id, name, cover }: Scene): Card {
    return { kind: 'scene', id, name, facts: '', picture: cover ? this.api.url(cover) : null };
  }

  private personCard(person: Person): Card {
    return {
      kind: 'way',
      id: `people ${person.id}`,
      name: person.name || t.unnamed,
      facts: '',
      picture: this.api.url(person.thumbnail),
    };
  }
}
