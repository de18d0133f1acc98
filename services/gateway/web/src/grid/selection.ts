import { Emitter } from '../emitter';
import type { Shown } from '../gallery/tile';

interface SelectionEvents {
  change: null;
}

/** Photos and videos that are chosen, for something that is done with all of them. */
export class Selection extends Emitter<SelectionEvents> {
  private readonly chosen = new Map<string, Shown>();
  /** What was chosen or let go last: a range begins there. */
  last: string | null = null;
  /** Nothing is chosen where nothing can be done with it, as on the page of a share link. */
  isAllowed = true;

  get size(): number {
    return this.chosen.size;
  }

  get items(): Shown[] {
    return [...this.chosen.values()];
  }

  has(id: string): boolean {
    return this.chosen.has(id);
  }

  /** Chooses one, or lets it go. */
  toggle(item: Shown): void {
    if (!this.chosen.delete(item.id)) this.chosen.set(item.id, item);
    this.last = item.id;
    this.emit('change', null);
  }

  /** Chooses all from the last one to this, as they lie in the list. */
  extend(item: Shown, list: Shown[]): void {
    const at = (id: string | null) => list.findIndex((one) => one.id === id);
    const [from, to] = [at(this.last), at(item.id)].sort((a, b) => a - b);
    if (from === undefined || to === undefined || from < 0) {
      this.toggle(item);
      return;
    }
    for (const one of list.slice(from, to + 1)) this.chosen.set(one.id, one);
    this.last = item.id;
    this.emit('change', null);
  }

  clear(): void {
    this.last = null;
    if (this.chosen.size === 0) return;
    this.chosen.clear();
    this.emit('change', null);
  }
}
