import {
  ACCOUNT,
  ALBUMS,
  AUTOMATION,
  FAVOURITES,
  HOME,
  JOBS,
  MEMORIES,
  MODELS,
  PEOPLE,
  PLACES,
  type Route,
  SCENES,
  SEARCH,
  SETTINGS,
  TAGS,
  VIDEOS,
} from '../router';
import { texts } from '../texts';
import type { IconName } from '../ui/icons';

export interface NavItem {
  name: string;
  href: string;
  icon: IconName;
  label: string;
  /** Routes at which one is here. */
  views: Route['view'][];
  /** Only where a library of Immich is shown. */
  ofImmich?: boolean;
}

const t = texts.nav;

/** Where one can go, in groups; the first group is the library. */
export const NAVIGATION: NavItem[][] = [
  [
    item('gallery', HOME, 'photos', t.photos),
    item('videos', VIDEOS, 'film', t.videos),
    item('search', SEARCH, 'search', t.search),
    item('albums', ALBUMS, 'album', t.albums, ['albums', 'album']),
    item('favourites', FAVOURITES, 'heart', t.favourites),
    item('people', PEOPLE, 'people', t.people, ['people', 'person']),
    item('places', PLACES, 'pin', t.places, ['places', 'place']),
    item('tags', TAGS, 'tag', t.tags, ['tags', 'tag']),
    item('memories', MEMORIES, 'memory', t.memories),
    item('scenes', SCENES, 'cube', t.scenes, ['scenes', 'scene']),
  ],
  [
    item('jobs', JOBS, 'jobs', t.jobs),
    { ...item('automation', AUTOMATION, 'byItself', t.automation), ofImmich: true },
    item('models', MODELS, 'models', t.models),
    { ...item('live', './live.html', 'live', t.live), views: [] },
    item('settings', SETTINGS, 'settings', t.settings),
    item('account', ACCOUNT, 'account', t.account),
  ],
];

/** What the bar of narrow windows has room for. */
export const IN_THE_BAR = ['gallery', 'search', 'albums', 'memories'];

function item(
  name: string,
  href: string,
  icon: IconName,
  label: string,
  views = [name as Route['view']],
): NavItem {
  return { name, href, icon, label, views };
}
