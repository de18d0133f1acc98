import './grid.css';
import { isRovingKey, roveTo } from '../gallery/roving';
import { type Shown, Tile, tileAspect } from '../gallery/tile';
import { el } from '../ui/dom';
import { type Box, boxesWithin, firstWhere, guessHeight, justify } from './layout';
import { measuresOf } from './rows';
import {
  haveSameShapes,
  headingOf,
  type Laid,
  putAfter,
  type Section,
  type Seen,
} from './sections';

interface Shell {
  element: HTMLElement;
  list: HTMLElement;
}

/** What is at the top of the window: an item and its section, and how far below the top they lie, in pixels. */
export interface Anchor {
  id: string | null;
  key: string;
  below: number;
}

export interface GridActions {
  /** The address of its picture, or of a larger one. */
  thumbnail(item: Shown, larger: boolean): string;
  /** Whether a tile of this size wants a larger picture. */
  wantsLarger?(box: Box): boolean;
  /** Whether it is chosen; null where nothing can be. Without this, nothing can be. */
  isChosen?(id: string): boolean | null;
  /** These sections are near the window. */
  near?(keys: string[]): void;
  /** The end of what is known is about to be seen. */
  nearEnd?(): void;
}

const SECTION_GAP_PX = 20;
/** Drawn beyond the window, in its heights. */
const BEYOND = 0.75;
/** Never more tiles than this, whatever the window. */
const MOST_TILES = 380;

/**
 * Photos and videos as justified rows, of which only those near the window exist as elements. What is loaded above the
 * window changes heights there; the scroll position follows, so that what is looked at stays where it is.
 */
export class Grid {
  readonly element = el('div', { class: 'virtual' });
  private sections: Laid[] = [];
  /** By section and id: what is in two of them has two. */
  private readonly tiles = new Map<string, Tile>();
  private readonly shells = new Map<string, Shell>();
  private readonly at = new Map<string, { section: number; index: number }>();
  private width = 0;
  private active: string | null = null;
  private frame = 0;
  /** What is shown again as soon as it is known. */
  private wanted: Anchor | null = null;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly label: string,
    private readonly actions: GridActions,
  ) {
    const later = () => this.renderSoon();
    scroller.addEventListener('scroll', later, { passive: true });
    for (const sign of ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const)
      scroller.addEventListener(sign, () => this.comeBackTo(null), { passive: true });
    new ResizeObserver(later).observe(this.element);
    this.element.addEventListener('keydown', (event) => this.rove(event));
    this.element.addEventListener('focusin', (event) => {
      const { id } = (event.target as HTMLElement).dataset;
      if (id) this.makeActive(id);
    });
  }

  /** Photos alone, in order, as far as they are known. */
  get photos(): string[] {
    return this.sections.flatMap(({ items }) =>
      (items ?? []).filter(({ kind }) => kind !== 'video').map(({ id }) => id),
    );
  }

  /** All that is known, in order. */
  get known(): Shown[] {
    return this.sections.flatMap(({ items }) => items ?? []);
  }

  item(id: string): Shown | undefined {
    const place = this.at.get(id);
    return place && this.sections[place.section]?.items?.[place.index];
  }

  /** Shows these sections; what is looked at stays in its place. */
  set(sections: Section[]): void {
    const anchor = this.wanted ?? this.anchor();
    const before = new Map(this.sections.map((section) => [section.key, section]));
    this.sections = sections.map((section) => {
      const known = before.get(section.key);
      const isSame = known && known.count === section.count && haveSameShapes(known, section);
      return isSame
        ? { ...known, ...section }
        : { ...section, top: 0, height: 0, boxes: [], width: 0 };
    });
    this.at.clear();
    this.sections.forEach(({ items }, section) => {
      items?.forEach(({ id }, index) => {
        this.at.set(id, { section, index });
      });
    });
    this.layOut();
    this.restore(anchor);
    if (this.wanted?.id && this.at.has(this.wanted.id)) this.wanted = null;
    this.render();
  }

  /** Shows this again, now or when it comes to be known, unless somebody moves before; null gives that up. */
  comeBackTo(anchor: Anchor | null): void {
    this.wanted = anchor;
    if (anchor) this.set(this.sections);
  }

  /** Shows anew which of them are chosen. */
  markChosen(): void {
    for (const tile of this.tiles.values()) this.mark(tile);
  }

  /** What is known of one of them changed. */
  update(item: Shown): void {
    const place = this.at.get(item.id);
    const items = place && this.sections[place.section]?.items;
    if (!place || !items) return;
    items[place.index] = item;
    const tile = this.shown(item.id);
    if (tile) this.renew(tile, item);
  }

  /** Has another try at pictures that did not come. */
  retryPictures(): void {
    for (const tile of this.tiles.values()) tile.retryPicture();
  }

  /** Rows are of another height from now on; what is looked at stays in its place. */
  layOutAnew(): void {
    const anchor = this.anchor();
    for (const section of this.sections) section.width = 0;
    this.layOut();
    this.restore(anchor);
    this.render();
  }

  /** Where sections begin, as parts of the whole height. */
  positions(): { key: string; title: string; at: number }[] {
    const whole = Math.max(this.height, 1);
    return this.sections.map(({ key, title, top }) => ({ key, title, at: top / whole }));
  }

  /** How much of the whole lies above the window, as a part of it. */
  part(): number {
    return Math.min(Math.max(this.scrolled() / Math.max(this.height, 1), 0), 1);
  }

  scrollToPart(part: number): void {
    const most = Math.max(this.height - this.scroller.clientHeight, 0);
    this.scroller.scrollTop += Math.min(part * this.height, most) - this.scrolled();
    this.render();
  }

  /** The section at the top of the window. */
  current(): string | null {
    const top = this.scrolled() + 1;
    const at = firstWhere(this.sections, (one) => one.top + one.height > top);
    return this.sections[at]?.key ?? null;
  }

  scrollTo(key: string): void {
    const section = this.sections.find((one) => one.key === key);
    if (section) this.scroller.scrollTop += section.top - this.scrolled();
    this.render();
  }

  /** Gives the focus to one of them, wherever it is. */
  focus(id: string): boolean {
    const place = this.at.get(id);
    const section = place && this.sections[place.section];
    const box = place && section?.boxes[place.index];
    if (!section || !box) return false;
    this.bringIntoView(section.top + headingOf(section) + box.top, box.height);
    this.makeActive(id);
    this.render();
    this.shown(id)?.link.focus({ preventScroll: true });
    return true;
  }

  /** Shows what is known now; another picture only where that is another one than before. */
  private renew(tile: Tile, item: Shown): void {
    const { version } = tile.item;
    if (version && item.version && version !== item.version)
      tile.replace(item, this.actions.thumbnail(item, tile.isLarger));
    else tile.update(item);
  }

  private mark(tile: Tile): void {
    tile.mark(this.actions.isChosen?.(tile.item.id) ?? null);
  }

  /** The tile of one of them, where there is one. */
  private shown(id: string): Tile | undefined {
    const section = this.at.get(id)?.section;
    return section === undefined
      ? undefined
      : this.tiles.get(`${this.sections[section]?.key} ${id}`);
  }

  private get height(): number {
    const last = this.sections.at(-1);
    return last ? last.top + last.height : 0;
  }

  /** How far the top of the window lies below the top of the grid. */
  private scrolled(): number {
    const { top } = this.element.getBoundingClientRect();
    return this.scroller.getBoundingClientRect().top - top;
  }

  private layOut(): void {
    this.width = this.element.clientWidth;
    if (this.width === 0) return;
    const { row, gap } = measuresOf(this.width);
    let top = 0;
    for (const section of this.sections) {
      section.top = top;
      const heading = headingOf(section);
      if (section.width === this.width) {
        top += section.height + SECTION_GAP_PX;
        continue;
      }
      section.width = this.width;
      if (section.items) {
        const laid = justify(section.items.map(tileAspect), this.width, row, gap);
        section.boxes = laid.boxes;
        section.height = heading + laid.height;
      } else {
        section.boxes = [];
        section.height = heading + guessHeight(section.count, this.width, row, gap);
      }
      top += section.height + SECTION_GAP_PX;
    }
    this.element.style.height = `${Math.ceil(this.height)}px`;
    this.element.style.setProperty('--row', `${row}px`);
  }

  private renderSoon(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.element.isConnected) return;
      if (this.element.clientWidth !== this.width) {
        const anchor = this.anchor();
        this.layOut();
        this.restore(anchor);
      }
      this.render();
    });
  }

  private render(): void {
    if (this.width === 0 || !this.element.isConnected) return;
    const view = this.scroller.clientHeight;
    const top = this.scrolled() - view * BEYOND;
    const bottom = top + view * (1 + 2 * BEYOND);
    const seen = this.within(top, bottom);
    this.drop(seen);
    let before: HTMLElement | null = null;
    for (const { section, first, last } of seen) {
      const shell = this.shellOf(section);
      putAfter(this.element, before, shell.element);
      before = shell.element;
      let tile: HTMLElement | null = null;
      for (let i = first; i < last; i += 1) {
        const { element } = this.tileOf(section, i);
        putAfter(shell.list, tile, element);
        tile = element;
      }
    }
    this.settleActive();
    this.actions.near?.(seen.map(({ section }) => section.key));
    if (bottom > this.height - view) this.actions.nearEnd?.();
  }

  /** The sections that reach into a span, and which of their tiles do. */
  private within(top: number, bottom: number): Seen[] {
    const seen: Seen[] = [];
    let room = MOST_TILES;
    let at = firstWhere(this.sections, (one) => one.top + one.height >= top);
    for (; at < this.sections.length; at += 1) {
      const section = this.sections[at] as Laid;
      if (section.top > bottom) break;
      const origin = section.top + headingOf(section);
      const [first, end] = boxesWithin(section.boxes, top - origin, bottom - origin);
      const last = Math.min(end, first + room);
      room -= last - first;
      seen.push({ section, first, last });
    }
    return seen;
  }

  private shellOf(section: Laid): Shell {
    let shell = this.shells.get(section.key);
    if (!shell) {
      const list = el('ul', { class: 'virtual-list', 'aria-label': section.title || this.label });
      const heading = section.title && el('h2', { class: 'virtual-heading' }, section.title);
      shell = { element: el('section', { class: 'virtual-section' }, heading, list), list };
      this.shells.set(section.key, shell);
    }
    shell.element.style.top = `${section.top}px`;
    shell.list.style.height = `${section.height - headingOf(section)}px`;
    shell.list.classList.toggle('is-waiting', section.items === null);
    return shell;
  }

  private tileOf(section: Laid, index: number): Tile {
    const item = (section.items as Shown[])[index] as Shown;
    const box = section.boxes[index] as Box;
    const key = `${section.key} ${item.id}`;
    const larger = this.actions.wantsLarger?.(box) ?? false;
    let tile = this.tiles.get(key);
    if (!tile) {
      tile = new Tile(item, this.actions.thumbnail(item, larger), larger);
      this.mark(tile);
      this.tiles.set(key, tile);
    } else if (tile.item !== item) this.renew(tile, item);
    tile.place(box);
    if (larger && !tile.isLarger) tile.sharpen(this.actions.thumbnail(item, true));
    tile.element.setAttribute('aria-setsize', String(section.count));
    tile.element.setAttribute('aria-posinset', String(index + 1));
    return tile;
  }

  private drop(seen: Seen[]): void {
    const keep = new Set<string>();
    const sections = new Set(seen.map(({ section }) => section.key));
    for (const { section, first, last } of seen)
      for (let i = first; i < last; i += 1) keep.add(`${section.key} ${section.items?.[i]?.id}`);
    for (const [key, tile] of this.tiles) {
      // What has the focus keeps it, however far it is scrolled away.
      if (keep.has(key) || tile.link === document.activeElement) continue;
      tile.element.remove();
      this.tiles.delete(key);
    }
    for (const [key, { element }] of this.shells) {
      if (sections.has(key) || element.contains(document.activeElement)) continue;
      element.remove();
      this.shells.delete(key);
    }
  }

  /** One tile can be reached with the tab key: the one that was reached last, or the first that is seen. */
  private settleActive(): void {
    const known = this.active !== null && this.shown(this.active) !== undefined;
    const first = this.element.querySelector<HTMLElement>('.tile')?.dataset.id;
    const active = known ? this.active : (first ?? null);
    if (active) this.makeActive(active);
  }

  /** What is at the top of the window, and how far below that. */
  anchor(): Anchor | null {
    const top = this.scrolled();
    if (top <= 0) return null;
    const section = this.sections[firstWhere(this.sections, (one) => one.top + one.height > top)];
    if (!section) return null;
    const origin = section.top + headingOf(section);
    const [index] = boxesWithin(section.boxes, top - origin, top - origin);
    const box = section.boxes[index];
    const id = (box && section.items?.[index]?.id) ?? null;
    const place = box && id ? origin + box.top : section.top;
    return { id, key: section.key, below: place - top };
  }

  private restore(anchor: Anchor | null): void {
    if (!anchor) return;
    const place = anchor.id ? this.at.get(anchor.id) : undefined;
    const section = place
      ? this.sections[place.section]
      : this.sections.find(({ key }) => key === anchor.key);
    if (!section) return;
    const box = place && section.boxes[place.index];
    const top = box ? section.top + headingOf(section) + box.top : section.top;
    this.scroller.scrollTop += top - anchor.below - this.scrolled();
  }

  private bringIntoView(top: number, height: number): void {
    const seen = this.scrolled();
    const head = 70; // what sticks to the top of the window
    if (top - head < seen) this.scroller.scrollTop += top - head - seen;
    const below = top + height + 12 - (seen + this.scroller.clientHeight);
    if (below > 0) this.scroller.scrollTop += below;
  }

  private rove(event: KeyboardEvent): void {
    if (!isRovingKey(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    const known = [...this.at.keys()];
    const at = known.indexOf(this.active ?? '');
    if (at < 0) return;
    event.preventDefault();
    const boxes = known.map((id) => {
      const { section, index } = this.at.get(id) as { section: number; index: number };
      const laid = this.sections[section] as Laid;
      const box = laid.boxes[index] as Box;
      return { ...box, top: laid.top + box.top };
    });
    const id = known[roveTo(event.key, at, boxes)];
    if (id) this.focus(id);
  }

  private makeActive(id: string): void {
    if (this.active) this.shown(this.active)?.link.setAttribute('tabindex', '-1');
    this.shown(id)?.link.setAttribute('tabindex', '0');
    this.active = id;
  }
}
