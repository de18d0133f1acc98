import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Glimpse, Photo } from '../api/schema';
import { Emitter } from '../emitter';
import type { LibraryChange, Store, Trail } from '../store';
import type { Shown } from './tile';

/** Months that are read at the same time. */
const AT_A_TIME = 2;

export interface TimelineMonth {
  /** As 2024-11. */
  month: string;
  count: number;
  /** Null while only their number is known. */
  items: Shown[] | null;
}

interface TimelineEvents {
  /** Months came or went, or one has its items now. */
  change: null;
  error: ApiError;
}

/**
 * The whole library by months: their numbers are known at once, what is in them is read when it is about to be seen.
 */
export class Timeline extends Emitter<TimelineEvents> implements Trail {
  months: TimelineMonth[] = [];
  /** What is looked at, read or not. */
  private wanted: string[] = [];
  private readonly reading = new Map<string, Promise<void>>();
  /** Counts the times that everything was forgotten. */
  private generation = 0;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
  ) {
    super();
    store.on('library', (change) => void this.follow(change));
  }

  get count(): number {
    return this.months.reduce((sum, { count }) => sum + count, 0);
  }

  /** Reads which months there are. What was read of those that are as they were stays. */
  async load(): Promise<void> {
    const { generation } = this;
    const found = await this.api.timeline();
    if (generation !== this.generation) return;
    const known = new Map(this.months.map((one) => [one.month, one]));
    this.months = found
      .filter(({ count }) => count > 0)
      .map(({ month, count }) => ({ month, count, items: known.get(month)?.items ?? null }));
    this.emit('change', null);
  }

  clear(): void {
    this.generation += 1;
    this.months = [];
    this.wanted = [];
    this.reading.clear();
    this.emit('change', null);
  }

  /** Reads these months next, and forgets what was wanted before and has not begun. */
  want(months: string[]): void {
    this.wanted = months;
    this.readOn();
  }

  neighbour(id: string, direction: 1 | -1): string | undefined {
    const place = this.place(id);
    if (!place) return undefined;
    let { at, index } = place;
    for (;;) {
      index += direction;
      let items = this.months[at]?.items;
      if (!items) return undefined; // it is not known what lies there
      if (index < 0 || index >= items.length) {
        at += direction;
        items = this.months[at]?.items;
        if (!items) return undefined;
        index = direction > 0 ? 0 : items.length - 1;
      }
      const item = items[index];
      if (item?.kind === 'photo') return item.id;
    }
  }

  /** Reads the month of a photo, and what lies before and after it where that is another month. */
  async prepare({ id, taken_at }: Pick<Photo, 'id' | 'taken_at'>): Promise<void> {
    if (this.months.length === 0) await this.load();
    let place = this.place(id);
    if (!place && taken_at) {
      await this.readMonth(taken_at.slice(0, 7));
      place = this.place(id);
    }
    if (!place) return;
    for (const direction of [1, -1] as const) {
      for (let at = place.at; this.neighbour(id, direction) === undefined; ) {
        at += direction;
        const month = this.months[at];
        if (!month) break;
        await this.readMonth(month.month);
      }
    }
  }

  /** Reads all months between those of two items. False where one does not come. */
  async readBetween(one: string, other: string): Promise<boolean> {
    const ends = [this.place(one)?.at, this.place(other)?.at].sort((a = 0, b = 0) => a - b);
    const [first, last] = ends;
    if (first === undefined || last === undefined) return true;
    try {
      for (const { month } of this.months.slice(first, last + 1)) await this.readMonth(month);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.emit('error', error);
      return false;
    }
  }

  private place(id: string): { at: number; index: number } | null {
    for (const [at, { items }] of this.months.entries()) {
      const index = items?.findIndex((item) => item.id === id) ?? -1;
      if (index >= 0) return { at, index };
    }
    return null;
  }

  private readOn(): void {
    for (const month of this.wanted) {
      if (this.reading.size >= AT_A_TIME) return;
      const found = this.months.find((one) => one.month === month);
      if (found && !found.items && !this.reading.has(month))
        void this.readMonth(month).catch((error: unknown) => {
          if (!(error instanceof ApiError)) throw error;
          this.wanted = [];
          this.emit('error', error);
        });
    }
  }

  /** Reads a month whole; calls at the same time share the requests. */
  private readMonth(month: string, again = false): Promise<void> {
    const known = this.months.find((one) => one.month === month);
    if (!known || (known.items && !again)) return Promise.resolve();
    let reading = this.reading.get(month);
    if (!reading) {
      reading = this.fetchMonth(month).finally(() => {
        this.reading.delete(month);
        this.readOn();
      });
      this.reading.set(month, reading);
    }
    return reading;
  }

  private async fetchMonth(month: string): Promise<void> {
    const { generation } = this;
    const items: Photo[] = [];
    let cursor: string | null = null;
    do {
      const page: { items: Glimpse[]; next_cursor: string | null } = await this.api.month(
        month,
        cursor,
      );
      items.push(...page.items.map((glimpse) => this.entryOf(glimpse)));
      cursor = page.next_cursor;
    } while (cursor !== null);
    const found = this.months.find((one) => one.month === month);
    if (generation !== this.generation || !found) return;
    this.store.meet(items, true);
    found.items = items;
    found.count = items.length;
    this.emit('change', null);
  }

  /** What a timeline tells of one of them, with what is known of it beside. */
  private entryOf(glimpse: Glimpse): Photo {
    const known = this.store.photos.get(glimpse.id);
    const { ratio, name, stacked: _, ...told } = glimpse;
    return {
      ...BLANK,
      ...known,
      ...told,
      name: known?.name || name || '',
      width: known?.width ?? (ratio ? Math.round(ratio * HEIGHT) : null),
      height: known?.height ?? (ratio ? HEIGHT : null),
    } as Photo;
  }

  /** Takes in what came, changed and went: the months that it lies in are read again, if they were read before. */
  private async follow({ there, gone, all }: LibraryChange): Promise<void> {
    if (this.months.length === 0 && this.generation === 0 && !all && there.length === 0) return;
    const touched = new Set(there.map(({ taken_at }) => taken_at?.slice(0, 7) ?? ''));
    for (const { id } of [...there, ...gone]) {
      const place = this.place(id);
      if (place) touched.add(this.months[place.at]?.month ?? '');
    }
    const read = this.months.filter(({ items, month }) => items && (all || touched.has(month)));
    const near = new Set(this.wanted);
    try {
      await this.load();
      const far = read.filter(({ month }) => all && near.size > 0 && !near.has(month));
      for (const { month } of far) this.forget(month);
      if (far.length > 0) this.emit('change', null);
      for (const one of read) if (!far.includes(one)) await this.readMonth(one.month, true);
    } catch (error) {
      // The next news, or the next reconnection, tries again.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private forget(month: string): void {
    const found = this.months.find((one) => one.month === month);
    if (found) found.items = null;
  }
}

const HEIGHT = 1000;

/** Of what a timeline does not tell; opening a photo does. */
const BLANK = {
  version: '',
  preview: '',
  original: '',
  mine: true,
  edited: false,
  rating: null,
  stack: null,
  playback: null,
};
