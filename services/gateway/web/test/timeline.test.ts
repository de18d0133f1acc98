import { describe, expect, it } from 'vitest';
import type { Api } from '../src/api/client';
import type { Glimpse, Month } from '../src/api/schema';
import { Timeline } from '../src/gallery/timeline';
import { Store } from '../src/store';

const glimpse = (id: string, taken_at: string, kind: 'photo' | 'video' = 'photo') =>
  ({
    kind,
    id,
    name: '',
    taken_at,
    ratio: 1.5,
    stacked: 0,
    badges: {},
    job: null,
  }) as unknown as Glimpse;

/** A library of these photos, and which months were asked for. */
function library(content: Record<string, Glimpse[]>) {
  const asked: string[] = [];
  const api = {
    timeline: async (): Promise<Month[]> =>
      Object.entries(content).map(([month, items]) => ({ month, count: items.length })),
    month: async (month: string) => {
      asked.push(month);
      return { items: content[month] ?? [], next_cursor: null };
    },
  };
  const store = new Store(api as unknown as Api);
  return { timeline: new Timeline(api as unknown as Api, store), store, asked, content };
}

const YEAR = () => ({
  '2026-03': [glimpse('a', '2026-03-09T00:00:00Z'), glimpse('b', '2026-03-01T00:00:00Z')],
  '2026-02': [glimpse('film', '2026-02-03T00:00:00Z', 'video')],
  '2026-01': [glimpse('c', '2026-01-05T00:00:00Z')],
});
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('the timeline', () => {
  it('knows how many there are, before any is read', async () => {
    const { timeline, asked } = library(YEAR());
    await timeline.load();
    expect(timeline.count).toBe(4);
    expect(timeline.months.map(({ items }) => items)).toEqual([null, null, null]);
    expect(asked).toEqual([]);
  });

  it('reads what is wanted, once, and not what was passed by', async () => {
    const { timeline, asked } = library(YEAR());
    await timeline.load();
    timeline.want(['2026-03']);
    timeline.want(['2026-01']);
    timeline.want(['2026-01']);
    await settled();
    expect(asked).toEqual(['2026-03', '2026-01']);
  });

  it('reads what lies between two that are known, for a range of them', async () => {
    const { timeline, asked } = library(YEAR());
    await timeline.load();
    timeline.want(['2026-03', '2026-01']);
    await settled();
    expect(await timeline.readBetween('c', 'a')).toBe(true);
    expect(asked).toEqual(['2026-03', '2026-01', '2026-02']);
    expect(timeline.months.every(({ items }) => items !== null)).toBe(true);
  });

  it('leads from a photo that an address named to those beside it, over a month of videos', async () => {
    const { timeline } = library(YEAR());
    await timeline.prepare({ id: 'b', taken_at: '2026-03-01T00:00:00Z' });
    expect(timeline.neighbour('b', -1)).toBe('a');
    expect(timeline.neighbour('b', 1)).toBe('c');
    expect(timeline.neighbour('a', -1)).toBeUndefined();
    expect(timeline.neighbour('c', 1)).toBeUndefined();
  });

  it('reads again the months in which something came or went, and no others', async () => {
    const { timeline, store, asked, content } = library(YEAR());
    await timeline.load();
    timeline.want(['2026-03', '2026-01']);
    await settled();
    const d = glimpse('d', '2026-01-09T00:00:00Z');
    content['2026-01']?.unshift(d);
    store.applyLibrary({ there: [{ ...d, kind: 'photo' } as never], gone: [] });
    await settled();
    await settled();
    expect(asked).toEqual(['2026-03', '2026-01', '2026-01']);
    expect(timeline.months[2]?.items?.map(({ id }) => id)).toEqual(['d', 'c']);
    expect(timeline.count).toBe(5);
  });

  it('reads again what is looked at when much changed, and says that it forgot the rest', async () => {
    const { timeline, store, asked } = library(YEAR());
    await timeline.load();
    timeline.want(['2026-03', '2026-02', '2026-01']);
    await settled();
    await settled();
    timeline.want(['2026-03']);
    asked.length = 0;
    const shown: boolean[][] = [];
    timeline.on('change', () => shown.push(timeline.months.map(({ items }) => items !== null)));
    store.rereadLibrary();
    await settled();
    await settled();
    expect(asked).toEqual(['2026-03']);
    expect(shown).toContainEqual([true, false, false]);
  });

  it('shows nothing of somebody who has left', async () => {
    const { timeline } = library(YEAR());
    const loading = timeline.load();
    timeline.clear();
    await loading;
    expect(timeline.months).toEqual([]);
  });
});
