import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Item, Memory } from '../api/schema';
import { shiftDay, today, yearsAgo } from '../gallery/day';
import { ItemList } from '../grid/items';
import { memoriesHash } from '../router';
import type { Settings } from '../settings/settings';
import type { Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import { dayWords } from '../ui/words';
import { Head } from './head';
import { Presentation } from './presentation';

/** What was taken on a day of earlier years, a section for each year. */
export class Memories {
  readonly element: HTMLElement;
  readonly list: ItemList;
  private readonly head = new Head(texts.memories.title);
  private readonly before = el('a', { class: 'icon-button' }, icon('previous'));
  private readonly after = el('a', { class: 'icon-button' }, icon('next'));
  private readonly play = el('a', { class: 'button is-small play', hidden: true });
  private readonly presentation: Presentation;
  private memories: Memory[] = [];
  private day = '';

  constructor(
    private readonly api: Api,
    store: Store,
    scroller: HTMLElement,
    settings: Settings,
    private readonly go: (hash: string) => void,
  ) {
    this.list = new ItemList(api, store, scroller, texts.memories.title);
    for (const [link, label] of [
      [this.before, texts.memories.before],
      [this.after, texts.memories.after],
    ] as const) {
      link.setAttribute('aria-label', label);
      link.title = label;
    }
    this.presentation = new Presentation(api, settings, () => this.go(memoriesHash(this.day)));
    this.play.append(icon('play'), texts.memories.present);
    this.head.element.append(this.play, this.before, this.after);
    this.element = el('main', { class: 'place-main' }, this.head.element, this.list.element);
  }

  /** plays: one photo after the other, full screen. */
  async open(day: string | null, plays: boolean): Promise<void> {
    const wanted = day ?? today();
    await this.load(wanted);
    if (wanted !== this.day) return;
    if (plays) this.presentation.open(this.memories, wanted);
    else this.presentation.close();
  }

  stop(): void {
    this.presentation.close();
  }

  private async load(wanted: string): Promise<void> {
    if (wanted === this.day && !this.list.isEmpty) return;
    this.day = wanted;
    this.head.set(texts.memories.title, texts.memories.on(dayWords(wanted)));
    this.before.href = memoriesHash(shiftDay(wanted, -1));
    this.after.href = memoriesHash(shiftDay(wanted, 1));
    try {
      const memories = await this.api.memories(wanted);
      if (wanted !== this.day) return;
      this.memories = memories;
      this.play.href = memoriesHash(wanted, true);
      this.play.hidden = !memories.some(({ items }) => items.some(({ kind }) => kind === 'photo'));
      this.list.show(memories.map((one) => sectionOf(one, wanted)));
      const { none, noneAdvice } = texts.memories;
      if (memories.length === 0)
        this.list.notice.tell({ title: none, advice: noneAdvice }, 'memory');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (wanted !== this.day) return;
      this.list.clear();
      this.list.notice.explain(error, () => void this.load(wanted));
    }
  }
}

function sectionOf(memory: Memory, day: string) {
  const { id, items, year } = memory;
  const title = `${yearsAgo(memory, day)}, ${year}`;
  return { key: id, title, count: items.length, items: items as Item[] };
}
