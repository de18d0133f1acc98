import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import { memoriesHash } from '../router';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { yearsAgo } from './day';

/** Whether there were memories the last time, so that room is kept for them and nothing moves when they come. */
const KEPT = 'immichvr.memories';

/** What was taken on this day of earlier years, one card for each, above the photos. */
export class MemoryStrip {
  readonly element = el('nav', {
    class: 'strip',
    'aria-label': texts.memories.strip,
    hidden: true,
  });
  private readonly list = el('ul', {});

  constructor() {
    this.element.append(this.list);
  }

  async load(api: Api, day: string): Promise<void> {
    this.element.hidden = localStorage.getItem(KEPT) === null;
    try {
      const memories = (await api.memories(day)).filter(({ items }) => items.length > 0);
      if (memories.length > 0) localStorage.setItem(KEPT, 'yes');
      else localStorage.removeItem(KEPT);
      this.element.hidden = memories.length === 0;
      this.list.replaceChildren(
        ...memories.map((memory) => {
          const [cover] = memory.items;
          const src = cover ? api.thumbnailUrl(cover) : '';
          const image = el('img', { src, alt: '', decoding: 'async' });
          image.addEventListener('error', () => image.remove());
          return el(
            'li',
            {},
            el('a', { href: memoriesHash(day) }, image, el('span', {}, yearsAgo(memory, day))),
          );
        }),
      );
    } catch (error) {
      // The photos are what one came for.
      if (!(error instanceof ApiError)) throw error;
      this.element.hidden = true;
    }
  }

  clear(): void {
    this.list.replaceChildren();
  }
}
