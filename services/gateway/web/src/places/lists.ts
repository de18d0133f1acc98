import type { Api } from '../api/client';
import type { Album, Locality, Person } from '../api/schema';
import { albumHash, personHash, placeHash } from '../router';
import type { Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import { Cards } from './cards';

/** A picture that is shown as soon as it is there, and leaves an icon where there is none. */
export function picture(src: string | null, fallback: 'album' | 'account' | 'pin'): HTMLElement {
  const frame = el('span', { class: 'card-picture' }, icon(fallback));
  if (!src) return frame;
  const image = el('img', { src, alt: '', loading: 'lazy', decoding: 'async' });
  image.addEventListener('load', () => image.classList.add('is-loaded'));
  image.addEventListener('error', () => image.remove());
  frame.append(image);
  return frame;
}

export function albumList(api: Api, scroller: HTMLElement): Cards<Album> {
  const t = texts.albums;
  return new Cards<Album>(
    scroller,
    t.title,
    'album',
    (cursor) => api.albums(cursor),
    (album) =>
      el(
        'a',
        { href: albumHash(album.id), class: 'card-link' },
        picture(album.cover && api.url(album.cover), 'album'),
        el('span', { class: 'card-name' }, album.name),
        el('span', { class: 'card-facts' }, albumFacts(album)),
      ),
    () => ({ title: t.none, advice: t.noneAdvice }),
  );
}

/** How many there are in it, and with whom it is shared. */
export function albumFacts(album: Album): string {
  const t = texts.albums;
  const sharing = album.owned ? album.shared && t.withOthers : t.by(album.owner_name);
  const link = album.shared_by_link && t.byLink;
  return [texts.items(album.count), sharing, link].filter(Boolean).join(' · ');
}

export function peopleList(api: Api, store: Store, scroller: HTMLElement): Cards<Person> {
  const t = texts.people;
  return new Cards<Person>(
    scroller,
    t.title,
    'person',
    (cursor) => api.people(cursor),
    (person) =>
      el(
        'a',
        { href: personHash(person.id), class: 'card-link' },
        picture(api.url(person.thumbnail), 'account'),
        el(
          'span',
          { class: person.name ? 'card-name' : 'card-name is-unnamed' },
          person.name || t.unnamed,
        ),
      ),
    () => ({
      title: t.none,
      advice: store.config?.library === 'folder' ? t.noneFolder : t.noneAdvice,
    }),
  );
}

export function placeList(api: Api, scroller: HTMLElement): Cards<Locality> {
  const t = texts.places;
  return new Cards<Locality>(
    scroller,
    t.title,
    'place',
    (cursor) => api.places(cursor),
    ({ city, country, cover }) =>
      el(
        'a',
        { href: placeHash(city, country), class: 'card-link' },
        picture(api.thumbnailUrl(cover), 'pin'),
        el('span', { class: 'card-name' }, city),
        country && el('span', { class: 'card-facts' }, country),
      ),
    () => ({ title: t.none, advice: t.noneAdvice }),
  );
}
