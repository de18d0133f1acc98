import './grid.css';
import type { Shown } from '../gallery/tile';
import type { Section } from './sections';
import { type Anchor, Sheet } from './sheet';
import { type TileActions, Tiles } from './tiles';

export interface GridActions extends TileActions {
  /** These sections are near the window. */
  near?(keys: string[]): void;
  /** The end of what is known is about to be seen. */
  nearEnd?(): void;
}

/** Drawn beyond the window, in its heights. */
const BEYOND = 0.75;
/** Never more tiles than this, whatever the window. */
const MOST_TILES = 380;
/** What sticks to the top of the window. */
const HEAD_PX = 70;
const FOOT_PX = 12;

/**
 * Photos and videos as justified rows, of which only those near the window exist as elements. What is loaded above the
 * window changes heights there; the scroll position follows, so that what is looked at stays where it is.
 */
export class Grid {
  readonly element: HTMLElement;
  private readonly sheet = new Sheet();
  private readonly tiles: Tiles;
  private width = 0;
  private frame = 0;
  /** What is shown again as soon as it is known. */
  private wanted: Anchor | null = null;

  constructor(
    private readonly scroller: HTMLElement,
    label: string,
    private readonly actions: GridActions,
  ) {
    this.tiles = new Tiles(label, actions);
    this.element = this.tiles.element;
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
    return this.known.filter(({ kind }) => kind !== 'video').map(({ id }) => id);
  }

  /** All that is known, in order. */
  get known(): Shown[] {
    return this.sheet.known;
  }

  item(id: string): Shown | undefined {
    return this.sheet.item(id);
  }

  /** Shows these sections; what is looked at stays in its place. */
  set(sections: Section[]): void {
    const anchor = this.wanted ?? this.anchor();
    this.width = this.element.clientWidth;
    this.sheet.set(sections, this.width);
    this.settle(anchor);
    if (this.wanted?.id && this.item(this.wanted.id)) this.wanted = null;
  }

  /** Shows this again, now or when it comes to be known, unless somebody moves before; null gives that up. */
  comeBackTo(anchor: Anchor | null): void {
    this.wanted = anchor;
    if (anchor) this.set(this.sheet.sections);
  }

  /** Shows anew which of them are chosen. */
  markChosen(): void {
    this.tiles.markChosen();
  }

  /** What is known of one of them changed. */
  update(item: Shown): void {
    if (!this.sheet.replace(item)) return;
    const tile = this.tiles.at(this.sheet.keyOf(item.id) ?? '', item.id);
    if (tile) this.tiles.renew(tile, item);
  }

  /** Has another try at pictures that did not come. */
  retryPictures(): void {
    this.tiles.retryPictures();
  }

  /** Rows are of another height from now on; what is looked at stays in its place. */
  layOutAnew(): void {
    const anchor = this.anchor();
    this.sheet.layOutAnew();
    this.settle(anchor);
  }

  /** Where sections begin, as parts of the whole height. */
  positions(): { key: string; title: string; at: number }[] {
    const { sections, height } = this.sheet;
    return sections.map(({ key, title, top }) => ({ key, title, at: top / Math.max(height, 1) }));
  }

  /** How much of the whole lies above the window, as a part of it. */
  part(): number {
    return Math.min(Math.max(this.scrolled() / Math.max(this.sheet.height, 1), 0), 1);
  }

  scrollToPart(part: number): void {
    const { height } = this.sheet;
    this.scroll(Math.min(part * height, Math.max(height - this.scroller.clientHeight, 0)));
    this.render();
  }

  /** The section at the top of the window. */
  current(): string | null {
    return this.sheet.sectionAt(this.scrolled() + 1)?.key ?? null;
  }

  scrollTo(key: string): void {
    const section = this.sheet.sections.find((one) => one.key === key);
    if (section) this.scroll(section.top);
    this.render();
  }

  /** Gives the focus to one of them, wherever it is. */
  focus(id: string): boolean {
    const box = this.sheet.boxOf(id);
    if (!box) return false;
    this.bringIntoView(box.top, box.height);
    this.makeActive(id);
    this.render();
    this.tiles.at(this.sheet.keyOf(id) ?? '', id)?.link.focus({ preventScroll: true });
    return true;
  }

  /** What is at the top of the window, and how far below that. */
  anchor(): Anchor | null {
    return this.sheet.anchorAt(this.scrolled());
  }

  /** How far the top of the window lies below the top of the grid. */
  private scrolled(): number {
    const { top } = this.element.getBoundingClientRect();
    return this.scroller.getBoundingClientRect().top - top;
  }

  /** Has what lies at this height at the top of the window. */
  private scroll(to: number): void {
    this.scroller.scrollTop += to - this.scrolled();
  }

  /** Takes over how the sheet lies now, with what was looked at in its place. */
  private settle(anchor: Anchor | null): void {
    const { height, row } = this.sheet;
    if (this.width > 0) {
      this.element.style.height = `${Math.ceil(height)}px`;
      this.element.style.setProperty('--row', `${row}px`);
    }
    const at = anchor && this.sheet.heightOf(anchor);
    if (at !== null && at !== undefined) this.scroll(at);
    this.render();
  }

  private renderSoon(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.element.isConnected) return;
      if (this.element.clientWidth === this.width) this.render();
      else this.set(this.sheet.sections);
    });
  }

  private render(): void {
    if (this.width === 0 || !this.element.isConnected) return;
    const view = this.scroller.clientHeight;
    const top = this.scrolled() - view * BEYOND;
    const bottom = top + view * (1 + 2 * BEYOND);
    const seen = this.sheet.within(top, bottom, MOST_TILES);
    this.tiles.draw(seen);
    this.actions.near?.(seen.map(({ section }) => section.key));
    if (bottom > this.sheet.height - view) this.actions.nearEnd?.();
  }

  private bringIntoView(top: number, height: number): void {
    const seen = this.scrolled();
    if (top - HEAD_PX < seen) this.scroller.scrollTop += top - HEAD_PX - seen;
    const below = top + height + FOOT_PX - (seen + this.scroller.clientHeight);
    if (below > 0) this.scroller.scrollTop += below;
  }

  private rove(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const id = this.sheet.next(this.tiles.activeId ?? '', event.key);
    if (!id) return;
    event.preventDefault();
    this.focus(id);
  }

  private makeActive(id: string): void {
    const key = this.sheet.keyOf(id);
    if (key !== undefined) this.tiles.makeActive(key, id);
  }
}
