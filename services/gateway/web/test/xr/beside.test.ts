import { expect, it } from 'vitest';
import type { Api } from '../../src/api/client';
import type { Timeline } from '../../src/gallery/timeline';
import type { Store, Trail } from '../../src/store';
import { besideOnTrail, TimelineSource } from '../../src/xr/sources';

const listOf = (ids: string[]): Trail => ({
  neighbour: (id, direction) => {
    const at = ids.indexOf(id);
    return at < 0 ? undefined : ids[at + direction];
  },
  prepare: async () => {},
});

it('ends where the list of the page ends, and says of other photos that it does not know them', () => {
  const album = listOf(['a', 'b', 'c']);
  expect(besideOnTrail(album, 'b', 1)).toBe('c');
  expect(besideOnTrail(album, 'c', 1)).toBeNull();
  expect(besideOnTrail(album, 'a', -1)).toBeNull();
  expect(besideOnTrail(album, 'x', 1)).toBeUndefined();
  expect(besideOnTrail(null, 'a', 1)).toBeUndefined();
});

it('has the month beside a photo read, where that is another one', () => {
  const wanted: string[] = [];
  const months = [
    { month: '2026-03', count: 1, items: null },
    { month: '2026-02', count: 1, items: [{ id: 'a', kind: 'photo' }] },
    { month: '2026-01', count: 1, items: null },
  ];
  const timeline = {
    months,
    count: 3,
    on: () => () => {},
    want: (more: string[]) => wanted.push(...more),
  } as unknown as Timeline;
  const source = new TimelineSource(
    {} as Api,
    { on: () => () => {} } as unknown as Store,
    timeline,
  );
  source.wantBeside('a');
  expect(wanted.sort()).toEqual(['2026-01', '2026-03']);
});
