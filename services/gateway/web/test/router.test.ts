import { afterEach, describe, expect, it, vi } from 'vitest';
import { coverPage, parseHash, placeHash, Router, searchHash } from '../src/router';

/** A router over a browser's history: `go` opens a hash, `back` and `forward` move along. */
function browser(hash: string) {
  const entries: { hash: string; state: unknown }[] = [{ hash, state: null }];
  const listeners: [kind: string, run: (event: { oldURL: string }) => void][] = [];
  let at = 0;
  const here = () => entries[at] as (typeof entries)[number];
  const move = (to: number) => {
    const before = here().hash;
    const oldURL = `http://host/${before}`;
    at = to;
    if (!entries[at]) return;
    for (const kind of before === here().hash ? ['popstate'] : ['popstate', 'hashchange'])
      for (const [heard, run] of listeners) if (heard === kind) run({ oldURL });
  };
  const go = (next: string) => {
    entries.splice(at + 1, entries.length, { hash: next, state: null });
    move(at + 1);
  };
  vi.stubGlobal('window', {
    addEventListener: (kind: string, run: () => void) => listeners.push([kind, run]),
  });
  vi.stubGlobal('location', {
    get hash() {
      return here().hash;
    },
    set hash(next: string) {
      go(next);
    },
  });
  vi.stubGlobal('history', {
    get state() {
      return here().state;
    },
    replaceState: (state: unknown, _: string, next = here().hash) => {
      entries[at] = { hash: next, state };
    },
    pushState: (state: unknown) => {
      entries.splice(at + 1, entries.length, { hash: here().hash, state });
      at += 1;
    },
    back: () => move(at - 1),
  });
  const load = () => {
    listeners.length = 0;
    const router = new Router(() => {});
    router.start();
    return router;
  };
  const router = load();
  const place = () => at;
  return { router, load, go, back: () => move(at - 1), forward: () => move(at + 1), place };
}

describe('the way back', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('leads from a photo to the list that it was opened from', () => {
    const { router, go } = browser('#/album/a');
    go('#/photo/x');
    router.replace('#/photo/y');
    expect(router.list()).toEqual({ view: 'album', id: 'a' });
    router.toList();
    expect(router.current()).toEqual({ view: 'album', id: 'a' });
  });

  it('never leaves the site from a photo that the browser’s own Back led to', () => {
    const { router, go, back } = browser('#/photo/x');
    go('#/albums');
    back();
    expect(router.list()).toEqual({ view: 'gallery' });
    router.toList();
    expect(router.current()).toEqual({ view: 'gallery' });
  });

  it('passes over what covered the page, once that is gone', () => {
    const { load, go, back, forward, place } = browser('#/');
    coverPage();
    expect(place()).toBe(1);
    load();
    expect(place()).toBe(0);
    forward();
    expect(place()).toBe(0);
    coverPage();
    go('#/photo/x');
    back();
    expect(place()).toBe(0);
  });

  it('still leads to the list from a photo that Forward led to', () => {
    const { router, go, back, forward } = browser('#/favourites');
    go('#/photo/x');
    back();
    forward();
    router.toList();
    expect(router.current()).toEqual({ view: 'favourites' });
  });

  it.each(['models', 'account', 'automation'])('does not take %s for a list', (page) => {
    const { router, go } = browser(`#/${page}`);
    go('#/photo/x');
    expect(router.list()).toEqual({ view: 'gallery' });
  });

  it('leads from the film of a live photo to the photo, and from there to the list', () => {
    const { router, go } = browser('#/album/a');
    go('#/photo/x');
    go('#/video/x');
    router.toList();
    expect(router.current()).toEqual({ view: 'photo', id: 'x' });
    router.toList();
    expect(router.current()).toEqual({ view: 'album', id: 'a' });
  });

  it('leads from a page to where it was opened, and home where it was the first', () => {
    const { router, go, back } = browser('#/models');
    go('#/albums');
    go('#/account');
    router.leavePage();
    expect(router.current()).toEqual({ view: 'albums' });
    back();
    router.leavePage();
    expect(router.current()).toEqual({ view: 'gallery' });
  });
});

describe('the address', () => {
  it.each([
    ['', { view: 'gallery' }],
    ['#/', { view: 'gallery' }],
    ['#/albums', { view: 'albums' }],
    ['#/album/a1-b2', { view: 'album', id: 'a1-b2' }],
    ['#/photo/ABC-1', { view: 'photo', id: 'ABC-1' }],
    ['#/memories', { view: 'memories', day: null }],
    ['#/memories/2026-11-29', { view: 'memories', day: '2026-11-29' }],
    ['#/memories/today', { view: 'memories', day: null }],
    ['#/search', { view: 'search', q: '', mode: null }],
  ])('%s is a place', (hash, route) => {
    expect(parseHash(hash)).toEqual(route);
  });

  it('keeps words and towns as they were typed', () => {
    const q = 'ö & "x"?=#%';
    expect(parseHash(searchHash(q, 'ocr'))).toEqual({ view: 'search', q, mode: 'ocr' });
    const town = parseHash(placeHash('Zürich / West', 'Schweiz'));
    expect(town).toEqual({ view: 'place', city: 'Zürich / West', country: 'Schweiz' });
  });

  it.each([
    '#/photo/',
    '#/photo/../x',
    '#/album/<b>',
    '#/nowhere',
    '#/place?city=',
    '#/albums/x',
  ])('%s, which means nothing, is the gallery', (hash) => {
    expect(parseHash(hash)).toEqual({ view: 'gallery' });
  });
});
