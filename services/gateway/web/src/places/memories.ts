import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Item, Memory } from '../api/schema';
import { shiftDay, today, yearsAgo } from '../gallery/day';
import { ItemList } from '../grid/items';
import { memoriesHash } from '../router';
import type { Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import { dayWords } from '../ui/words';
import { Head } from './head';

/** What was taken on a day of earlier years, a section for each year. */
export class Memories {
  readonly element: HTMLElement;
  readonly list: ItemList;
  private readonly head = new Head(texts.memories.title);
  private readonly before = el('a', { class: 'icon-button' }, icon('previous'));
  private readonly after = el('a', { class: 'icon-button' }, icon('next'));
  private day = '';

  constructor(
    private readonly api: Api,
    store: Store,
    scroller: HTMLElement,
  ) {
    this.list = new ItemList(api, store, scroller, texts.memories.title);
    for (const [link, label] of [
      [this.before, texts.memories.before],
      [this.after, texts.memories.after],
    ] as const) {
      link.setAttribute('aria-label', label);
      link.title = label;
    }
    this.head.element.append(this.before, this.after);
    this.element = el('main', { class: 'place-main' }, this.head.element, this.list.element);
  }

  async open(day: string | null): Promise<void> {
    const wanted = day ?? today();
    if (wanted === this.day && !this.list.isEmpty) return;
    this.day = wanted;
    this.head.set(texts.memories.title, texts.memories.on(dayWords(wanted)));
    this.before.href = memoriesHash(shiftDay(wanted, -1));
    this.after.href = memoriesHash(shiftDay(wanted, 1));
    try {
      const memories = await this.api.memories(wanted);
      if (wanted !== this.day) return;
      this.list.show(memories.map((one) => sectionOf(one, wanted)));
      const { none, noneAdvice } = texts.memories;
      if (memories.length === 0)
        this.list.notice.tell({ title: none, advice: noneAdvice }, 'memory');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (wanted !== this.day) return;
      this.list.clear();
      this.list.notice.explain(error, () => void this.open(day));
    }
  }
}

function sectionOf(memory: Memory, day: string) {
  const { id, items, year } = memory;
  const title = `${yearsAgo(memory, day)}, ${year}`;
  return { key: id, title, count: items.length, items: items as Item[] };
}
