/** Albums, people, places, memories and what is found, over the invented photos and videos. */
const OUT = 'https://photos.example.org';

const TAGS = [
  { id: 'tag-trips', name: 'trips', value: 'trips', parent: null, colour: null },
  { id: 'tag-2024', name: '2024', value: 'trips/2024', parent: 'tag-trips', colour: null },
  { id: 'tag-blue', name: 'blue hour', value: 'blue hour', parent: null, colour: '#4466dd' },
];

export class PlacesMock {
  /** off: what this library has not; smart: whether it knows what pictures show. */
  smart = true;
  albums = [
    { id: 'album-shared', name: 'Wedding of Ana and Tom', owned: false, shared: true, every: 3 },
    { id: 'album-own', name: 'Summer by the lake', owned: true, shared: false, every: 2 },
    {
      id: 'album-link',
      name: 'For the neighbours',
      owned: true,
      shared: true,
      link: true,
      every: 5,
    },
    { id: 'album-empty', name: 'Nothing yet', owned: true, shared: false, every: 0 },
  ];
  people = [
    { id: 'person-ana', name: 'Ana', favorite: true },
    { id: 'person-tom', name: 'Tom', favorite: false },
    { id: 'person-x', name: '', favorite: false },
  ];
  places = [
    { city: 'Lisbon', country: 'Portugal' },
    { city: 'Zürich', country: 'Switzerland' },
  ];
  /** ids of photos and videos */
  favourites = new Set(['photo-0002', 'photo-0005', 'video-0001']);

  constructor(items) {
    this.items = items;
  }

  /** The answer to GET `path`: [status, body]; null where the path is another's. */
  route(collection, id, what, url) {
    if (collection === 'albums') return this.ofAlbums(id, what, url);
    if (collection === 'people') return this.ofPeople(id, what, url);
    if (collection === 'places') return this.ofPlaces(id, url);
    if (collection === 'timeline') return [200, id ? this.month(id, url) : this.months()];
    if (collection === 'tags') return this.ofTags(id, url);
    if (collection === 'memories') return [200, { items: this.memories(url) }];
    if (collection === 'search') return this.search(url);
    return null;
  }

  album({ id, name, owned, shared, link = false, every }) {
    return {
      id,
      name,
      description: '',
      owned,
      owner_name: owned ? 'Me' : 'Ana',
      shared,
      shared_by_link: link,
      count: this.every(every).length,
      cover: every ? `/api/albums/${id}/cover` : null,
      first: null,
      last: null,
      items: `/api/albums/${id}/items`,
      external_url: `${OUT}/albums/${id}`,
    };
  }

  person({ id, name, favorite }) {
    return {
      id,
      name,
      favorite,
      birth_date: null,
      thumbnail: `/api/people/${id}/thumbnail`,
      items: `/api/people/${id}/items`,
      external_url: `${OUT}/people/${id}`,
    };
  }

  ofTags(id, url) {
    if (id) return [200, paged(this.every(TAGS.findIndex((tag) => tag.id === id) + 2), url)];
    const items = TAGS.map((tag) => ({
      ...tag,
      items: `/api/tags/${tag.id}/items`,
      external_url: null,
    }));
    return [200, paged(items, url)];
  }

  ofAlbums(id, what, url) {
    if (!id)
      return [
        200,
        paged(
          this.albums.map((one) => this.album(one)),
          url,
        ),
      ];
    const album = this.albums.find((one) => one.id === id);
    if (!album) return [404, 'not_found'];
    if (what === 'items') return [200, paged(this.every(album.every), url)];
    if (what === 'cover') return ['picture', this.every(album.every)[0]];
    return [200, this.album(album)];
  }

  ofPeople(id, what, url) {
    if (!id)
      return [
        200,
        paged(
          this.people.map((one) => this.person(one)),
          url,
        ),
      ];
    const at = this.people.findIndex((one) => one.id === id);
    if (at < 0) return [404, 'not_found'];
    if (what === 'items') return [200, paged(this.every(at + 2), url)];
    if (what === 'thumbnail') return ['picture', this.every(at + 2)[0]];
    return [200, this.person(this.people[at])];
  }

  ofPlaces(what, url) {
    if (what === 'items') return [200, paged(this.every(4), url)];
    const towns = this.places.map((place, at) => ({
      ...place,
      state: null,
      cover: this.items()[at],
      external_url: null,
    }));
    return [
      200,
      paged(
        towns.filter(({ cover }) => cover),
        url,
      ),
    ];
  }

  months() {
    const counts = new Map();
    for (const { taken_at } of this.inTime()) {
      const month = taken_at.slice(0, 7);
      counts.set(month, (counts.get(month) ?? 0) + 1);
    }
    return { months: [...counts].map(([month, count]) => ({ month, count })) };
  }

  month(month, url) {
    const items = this.inTime().filter(({ taken_at }) => taken_at.startsWith(month));
    return paged(items.map(glimpse), url);
  }

  inTime() {
    return this.items().toSorted((a, b) => b.taken_at.localeCompare(a.taken_at));
  }

  memories(url) {
    const day = url.searchParams.get('day') ?? '';
    if (day.endsWith('-01-01')) return [];
    const year = Number(day.slice(0, 4));
    return [1, 3, 8]
      .map((ago) => ({
        id: `memory-${ago}`,
        year: year - ago,
        taken_on: `${year - ago}${day.slice(4)}`,
        items: this.items().slice(ago * 4, ago * 4 + 4),
        external_url: null,
      }))
      .filter(({ items }) => items.length > 0);
  }

  search(url) {
    const mode = url.searchParams.get('mode') ?? 'metadata';
    if (mode === 'smart' && !this.smart) return [409, 'search_unavailable'];
    const q = (url.searchParams.get('q') ?? '').toLowerCase();
    const found = this.items().filter((item) => mode === 'smart' || item.name.includes(q));
    return [200, paged(q === 'nothing' ? [] : found, url)];
  }

  every(n) {
    return n === 0 ? [] : this.items().filter((_, at) => at % n === 0);
  }
}

const glimpse = (item) => ({
  ...item,
  ratio: item.width / item.height,
  duration_s: item.duration_s ?? null,
  stacked: 0,
});

/** The page of a list that an address asks for. */
export function paged(all, url) {
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const limit = Number(url.searchParams.get('limit') ?? 60);
  const next_cursor = from + limit < all.length ? String(from + limit) : null;
  return { items: all.slice(from, from + limit), next_cursor };
}
