import { describe, expect, it } from 'vitest';
import { parseHash, placeHash, searchHash } from '../src/router';

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
