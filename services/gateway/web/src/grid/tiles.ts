import { type Shown, Tile } from '../gallery/tile';
import { el } from '../ui/dom';
import type { Box } from './layout';
import { headingOf, type Laid, putAfter, type Seen } from './sections';

interface Shell {
  element: HTMLElement;
  list: HTMLElement;
}

export interface TileActions {
  /** The address of its picture, or of a larger one. */
  thumbnail(item: Shown, larger: boolean): string;
  /** Whether a tile of this size wants a larger picture. */
  wantsLarger?(box: Box): boolean;
  /** Whether it is chosen; null where nothing can be. Without this, nothing can be. */
  isChosen?(id: string): boolean | null;
}

/** The elements of what is near the window: a shell for each section, in it a tile for each photo or video. */
export class Tiles {
  readonly element = el('div', { class: 'virtual' });
  /** By section and id: what is in two of them has two. */
  private readonly tiles = new Map<string, Tile>();
  private readonly shells = new Map<string, Shell>();
  private active: { key: string; id: string } | null = null;

  constructor(
    private readonly label: string,
    private readonly actions: TileActions,
  ) {}

  /** Which of them is reached with the tab key. */
  get activeId(): string | null {
    return this.active?.id ?? null;
  }

  at(key: string, id: string): Tile | undefined {
    return this.tiles.get(`${key} ${id}`);
  }

  /** Has exactly these as elements; what has the focus keeps it, however far it is scrolled away. */
  draw(seen: Seen[]): void {
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
    this.settleActive(seen);
  }

  /** Shows what is known now; another picture only where that is another one than before. */
  renew(tile: Tile, item: Shown): void {
    const { version } = tile.item;
    if (version && item.version && version !== item.version)
      tile.replace(item, this.actions.thumbnail(item, tile.isLarger));
    else tile.update(item);
  }

  /** Shows anew which of them are chosen. */
  markChosen(): void {
    for (const tile of this.tiles.values()) this.mark(tile);
  }

  /** Has another try at pictures that did not come. */
  retryPictures(): void {
    for (const tile of this.tiles.values()) tile.retryPicture();
  }

  /** Has this one reached with the tab key, and no other. */
  makeActive(key: string, id: string): void {
    if (this.active) this.at(this.active.key, this.active.id)?.link.setAttribute('tabindex', '-1');
    this.at(key, id)?.link.setAttribute('tabindex', '0');
    this.active = { key, id };
  }

  private mark(tile: Tile): void {
    tile.mark(this.actions.isChosen?.(tile.item.id) ?? null);
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
    const larger = this.actions.wantsLarger?.(box) ?? false;
    let tile = this.at(section.key, item.id);
    if (!tile) {
      tile = new Tile(item, this.actions.thumbnail(item, larger), larger);
      this.mark(tile);
      this.tiles.set(`${section.key} ${item.id}`, tile);
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

  /** One tile can be reached with the tab key: the one that was reached last, or the first that there is. */
  private settleActive(seen: Seen[]): void {
    if (this.active && this.at(this.active.key, this.active.id)) {
      this.makeActive(this.active.key, this.active.id);
      return;
    }
    const there = seen.find(({ first, last }) => last > first);
    const id = there?.section.items?.[there.first]?.id;
    if (there && id) this.makeActive(there.section.key, id);
  }
}
