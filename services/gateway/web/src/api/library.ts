import type { SearchMode } from '../router';
import type { DoorClass } from './door';
import { CARDS, type Page, paged } from './pages';
import type {
  Album,
  Glimpse,
  Item,
  Locality,
  Memory,
  Month,
  Person,
  Photo,
  PhotoDetail,
  PhotoPage,
  Tag,
  VideoDetail,
  VideoPage,
} from './schema';

const TILES = 100;
const A_MONTH = 1000;

/** What there is to look at: photos, videos, and the lists that they are in. */
export const withLibrary = <B extends DoorClass>(Base: B) =>
  class extends Base {
    photos(cursor: string | null, limit = 60): Promise<PhotoPage> {
      const query = new URLSearchParams({ limit: String(limit) });
      if (cursor) query.set('cursor', cursor);
      return this.get(`/api/photos?${query}`);
    }

    photo(id: string): Promise<PhotoDetail> {
      return this.get(`/api/photos/${encodeURIComponent(id)}`);
    }

    videos(cursor: string | null, limit = 60): Promise<VideoPage> {
      const query = new URLSearchParams({ limit: String(limit) });
      if (cursor) query.set('cursor', cursor);
      return this.get(`/api/videos?${query}`);
    }

    video(id: string): Promise<VideoDetail> {
      return this.get(`/api/videos/${encodeURIComponent(id)}`);
    }

    albums(cursor: string | null): Promise<Page<Album>> {
      return this.get(`/api/albums?${paged(cursor, CARDS)}`);
    }

    album(id: string): Promise<Album> {
      return this.get(`/api/albums/${encodeURIComponent(id)}`);
    }

    people(cursor: string | null): Promise<Page<Person>> {
      return this.get(`/api/people?${paged(cursor, CARDS)}`);
    }

    person(id: string): Promise<Person> {
      return this.get(`/api/people/${encodeURIComponent(id)}`);
    }

    places(cursor: string | null): Promise<Page<Locality>> {
      return this.get(`/api/places?${paged(cursor, CARDS)}`);
    }

    /** What an album has, or a person, or a tag with those below it. */
    itemsOf(
      of: 'albums' | 'people' | 'tags',
      id: string,
      cursor: string | null,
    ): Promise<Page<Item>> {
      return this.get(`/api/${of}/${encodeURIComponent(id)}/items?${paged(cursor, TILES)}`);
    }

    itemsOfPlace(city: string, country: string | null, cursor: string | null): Promise<Page<Item>> {
      const where = country ? { city, country } : { city };
      return this.get(`/api/places/items?${paged(cursor, TILES, where)}`);
    }

    /** Favourites of one kind, newest first. */
    favourites(kind: 'photo' | 'video', cursor: string | null): Promise<Page<Item>> {
      return this.get(`/api/${kind}s?${paged(cursor, TILES, { favorite: 'true' })}`);
    }

    async setFavourite(kind: 'photo' | 'video', id: string, favorite: boolean): Promise<void> {
      await this.send('PUT', `/api/${kind}s/${encodeURIComponent(id)}/favorite`, { favorite });
    }

    tags(cursor: string | null): Promise<Page<Tag>> {
      return this.get(`/api/tags?${paged(cursor, A_MONTH)}`);
    }

    async memories(day: string): Promise<Memory[]> {
      return (await this.get<{ items: Memory[] }>(`/api/memories?day=${day}`)).items;
    }

    search(q: string, mode: SearchMode, cursor: string | null): Promise<Page<Item>> {
      const how = mode === 'smart' ? { mode } : { mode: 'metadata', field: mode };
      return this.get(`/api/search?${paged(cursor, TILES, { q, ...how })}`);
    }

    /** The months that there are, newest first. */
    async timeline(): Promise<Month[]> {
      return (await this.get<{ months: Month[] }>('/api/timeline')).months;
    }

    month(month: string, cursor: string | null): Promise<Page<Glimpse>> {
      return this.get(`/api/timeline/${month}?${paged(cursor, A_MONTH)}`);
    }

    /** Another one for every version, so that a changed picture is seen. */
    thumbnailUrl({ thumbnail, version }: Pick<Photo, 'thumbnail' | 'version'>): string {
      return this.url(`${thumbnail}?v=${encodeURIComponent(version)}`);
    }

    /** The picture of a tile, or what is shown of it where it is open. */
    tileUrl({ thumbnail, version }: Pick<Photo, 'thumbnail' | 'version'>, larger: boolean): string {
      const path = larger ? thumbnail.replace(/thumbnail$/, 'preview') : thumbnail;
      return this.thumbnailUrl({ thumbnail: path, version });
    }

    previewUrl(id: string): string {
      return this.url(`/api/photos/${encodeURIComponent(id)}/preview`);
    }
  };
