import type { Api } from '../api/client';
import { ApiError, type Page } from '../api/client';
import type { Item } from '../api/schema';
import type { Shown } from '../gallery/tile';
import type { Store, Trail } from '../store';
import { el } from '../ui/dom';
import { letChoose } from './choosing';
import { Grid } from './grid';
import { Notice } from './notice';
import { usualActions } from './pictures';
import type { Section } from './sections';
import type { Anchor } from './sheet';

const SKELETONS = 24;
/** Read at most, to come back to where somebody was. */
const MOST_PAGES = 20;

/** Photos and videos of one place, read page by page: an album, a person, a town, what was found. */
export class ItemList implements Trail {
  readonly element: HTMLElement;
  readonly notice = new Notice();
  private readonly grid: Grid;
  private items: Item[] = [];
  private cursor: string | null = null;
  private complete = false;
  private loading: Promise<void> | null = null;
  private read: ((cursor: string | null) => Promise<Page<Item>>) | null = null;
  private none: () => void = () => {};

  constructor(
    api: Api,
    private readonly store: Store,
    scroller: HTMLElement,
    label: string,
  ) {
    this.grid = new Grid(scroller, label, {
      ...usualActions(api, store),
      nearEnd: () => void this.more(),
    });
    letChoose(this.grid, store.selection);
    this.element = el('div', {}, this.grid.element, this.notice.element);
    store.on('photo', (id) => this.updated(id));
    store.on('list', ({ reset }) => reset && this.clear());
  }

  neighbour(id: string, direction: 1 | -1): string | undefined {
    const { photos } = this.grid;
    const at = photos.indexOf(id);
    return at < 0 ? undefined : photos[at + direction];
  }

  /** Reads on where a photo is the last that is known. */
  async prepare({ id }: { id: string }): Promise<void> {
    if (this.grid.item(id) && this.neighbour(id, 1) === undefined) await this.more();
  }

  get isEmpty(): boolean {
    return this.items.length === 0;
  }

  /** Lists what `read` brings, from its first page on; `none` says that there is nothing. */
  async load(
    read: (cursor: string | null) => Promise<Page<Item>>,
    none: () => void,
  ): Promise<void> {
    this.read = read;
    this.none = none;
    this.clear();
    this.grid.set([{ key: 'waiting', title: '', count: SKELETONS, items: null }]);
    await this.more();
  }

  /** Shows what is there already, under headings. */
  show(sections: (Section & { items: Item[] })[]): void {
    this.clear();
    this.complete = true;
    this.items = sections.flatMap(({ items }) => items);
    this.store.meet(this.items);
    this.grid.set(sections);
    this.notice.hide();
  }

  clear(): void {
    this.items = [];
    this.cursor = null;
    this.complete = false;
    this.loading = null;
    this.notice.hide();
    this.grid.set([]);
  }

  focus(id: string): void {
    this.grid.focus(id);
  }

  anchor(): Anchor | null {
    return this.grid.anchor();
  }

  /** Shows what was looked at before the page was loaded anew, reading on for it, if not without end. */
  async comeBackTo(anchor: Anchor): Promise<void> {
    const { read } = this;
    this.grid.comeBackTo(anchor);
    for (let page = 0; page < MOST_PAGES && anchor.id && !this.grid.item(anchor.id); page += 1) {
      if (this.complete || read !== this.read) return;
      await this.more();
    }
  }

  /** Reads the next page, if there is one; calls at the same time share one request. */
  more(): Promise<void> {
    if (this.complete || !this.read) return Promise.resolve();
    this.loading ??= this.next(this.read).finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  private async next(read: (cursor: string | null) => Promise<Page<Item>>): Promise<void> {
    try {
      const { items, next_cursor } = await read(this.cursor);
      if (read !== this.read) return; // another list is wanted by now
      const known = new Set(this.items.map(({ id }) => id));
      this.items.push(...items.filter(({ id }) => !known.has(id)));
      this.store.meet(items);
      this.cursor = next_cursor;
      this.complete = next_cursor === null;
      this.notice.hide();
      this.lay();
      if (this.complete && this.items.length === 0) this.none();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (read !== this.read) return;
      this.lay();
      this.complete = true;
      this.notice.explain(error, () => {
        this.complete = false;
        this.notice.hide();
        void this.more();
      });
    }
  }

  private lay(): void {
    const items = this.items.map((item) => this.latest(item));
    this.grid.set([{ key: 'all', title: '', count: items.length, items }]);
  }

  /** A photo as it was told of last. */
  private latest(item: Item): Shown {
    return (item.kind === 'photo' && this.store.photos.get(item.id)) || item;
  }

  private updated(id: string): void {
    const item = this.store.photos.get(id);
    if (item && this.grid.item(id)) this.grid.update(item);
  }
}
