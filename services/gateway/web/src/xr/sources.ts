import type { Api, Page } from '../api/client';
import { ApiError } from '../api/client';
import type { Item } from '../api/schema';
import { Emitter } from '../emitter';
import type { Shown } from '../gallery/tile';
import type { Timeline } from '../gallery/timeline';
import type { Store, Trail } from '../store';
import { monthWords } from '../ui/words';

/** What stands on the wall: a photo or a video, a way to others, or a scene. */
export type Card =
  | { kind: 'item'; id: string; item: Shown; picture: string }
  | { kind: 'way' | 'scene'; id: string; name: string; facts: string; picture: string | null };

interface SourceEvents {
  change: null;
}

/** A row of cards that the wall shows, read as it is needed. */
export abstract class Source extends Emitter<SourceEvents> {
  /** How many cards there are, read or not. */
  abstract readonly count: number;
  failed: ApiError | null = null;
  /** Whether all that is there was read. */
  complete = false;
  abstract card(index: number): Card | null;
  abstract want(from: number, to: number): void;
  /** What is written above a card, as its month. */
  abstract labelAt(index: number): string;
  abstract indexOf(id: string): number;

  /** The photo or video beside another one. */
  beside(id: string, direction: 1 | -1): Card | null {
    for (let at = this.indexOf(id) + direction; at >= 0 && at < this.count; at += direction) {
      const card = this.card(at);
      if (!card) return null;
      if (card.kind === 'item') return card;
    }
    return null;
  }

  /** Has what lies beside a photo or video read. */
  wantBeside(id: string): void {
    const at = this.indexOf(id);
    if (at >= 0) this.want(Math.max(at - 1, 0), at + 2);
  }

  dispose(): void {}
}

/** The library by months, as the page has it. */
export class TimelineSource extends Source {
  private readonly offs: (() => void)[];

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly timeline: Timeline,
  ) {
    super();
    const changed = () => this.emit('change', null);
    this.offs = [
      timeline.on('change', changed),
      timeline.on('error', (error) => {
        this.failed = error;
        changed();
      }),
      store.on('photo', changed),
    ];
    this.complete = true;
    if (timeline.months.length === 0) void this.begin();
  }

  get count(): number {
    return this.timeline.count;
  }

  card(index: number): Card | null {
    const place = this.placeOf(index);
    const item = place?.month.items?.[place.at];
    return item ? itemCard(this.api, this.store.shown(item.id) ?? item) : null;
  }

  want(from: number, to: number): void {
    const wanted = new Set<string>();
    for (const index of [from, Math.floor((from + to) / 2), to - 1]) {
      const place = this.placeOf(index);
      if (place && !place.month.items) wanted.add(place.month.month);
    }
    if (wanted.size > 0) this.timeline.want([...wanted]);
  }

  labelAt(index: number): string {
    const place = this.placeOf(index);
    return place ? monthWords(place.month.month) : '';
  }

  indexOf(id: string): number {
    let before = 0;
    for (const { items, count } of this.timeline.months) {
      const at = items?.findIndex((item) => item.id === id) ?? -1;
      if (at >= 0) return before + at;
      before += count;
    }
    return -1;
  }

  override dispose(): void {
    for (const off of this.offs) off();
  }

  private async begin(): Promise<void> {
    try {
      await this.timeline.load();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failed = error;
      this.emit('change', null);
    }
  }

  private placeOf(index: number) {
    let before = 0;
    for (const month of this.timeline.months) {
      if (index < before + month.count) return { month, at: index - before };
      before += month.count;
    }
    return null;
  }
}

/** Cards that are read page by page. */
export class PagedSource<T> extends Source {
  private cards: Card[] = [];
  private cursor: string | null = null;
  private reading = false;
  private gone = false;

  constructor(
    private readonly read: (cursor: string | null) => Promise<Page<T>>,
    private readonly cardOf: (entry: T) => Card,
    private readonly met: (entries: T[]) => void = () => {},
  ) {
    super();
    void this.more();
  }

  get count(): number {
    return this.cards.length;
  }

  card(index: number): Card | null {
    return this.cards[index] ?? null;
  }

  want(_from: number, to: number): void {
    if (to >= this.cards.length - 8) void this.more();
  }

  labelAt(): string {
    return '';
  }

  indexOf(id: string): number {
    return this.cards.findIndex((card) => card.id === id);
  }

  override dispose(): void {
    this.gone = true;
  }

  private async more(): Promise<void> {
    if (this.reading || this.complete || this.gone) return;
    this.reading = true;
    try {
      const { items, next_cursor } = await this.read(this.cursor);
      if (this.gone) return;
      this.met(items);
      this.cards.push(...items.map(this.cardOf));
      this.cursor = next_cursor;
      this.complete = next_cursor === null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failed = error;
      this.complete = true;
    } finally {
      this.reading = false;
    }
    if (!this.gone) this.emit('change', null);
  }
}

export function itemCard(api: Api, item: Shown): Card {
  return { kind: 'item', id: item.id, item, picture: api.thumbnailUrl(item as Item) };
}

/** Photos and videos that are read page by page, as they are known to be now. */
class ItemsSource extends PagedSource<Item> {
  private readonly off: () => void;

  constructor(
    api: Api,
    private readonly store: Store,
    read: (cursor: string | null) => Promise<Page<Item>>,
  ) {
    super(
      read,
      (item) => itemCard(api, item),
      (items) => store.meet(items),
    );
    this.off = store.on('photo', () => this.emit('change', null));
  }

  override card(index: number): Card | null {
    const card = super.card(index);
    const known = card?.kind === 'item' && this.store.shown(card.id);
    return known ? { ...card, item: known } : card;
  }

  override dispose(): void {
    super.dispose();
    this.off();
  }
}

export const itemsSource = (
  api: Api,
  store: Store,
  read: (cursor: string | null) => Promise<Page<Item>>,
): Source => new ItemsSource(api, store, read);

/** What lies beside a photo in the page's list; null at its end, undefined where it does not know the photo. */
export function besideOnTrail(
  trail: Trail | null,
  id: string,
  direction: 1 | -1,
): string | null | undefined {
  const isKnown = trail?.neighbour(id, direction === 1 ? -1 : 1) !== undefined;
  return trail?.neighbour(id, direction) ?? (isKnown ? null : undefined);
}
