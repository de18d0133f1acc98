import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Tag } from '../api/schema';
import { Notice } from '../grid/notice';
import { tagHash } from '../router';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import { Head } from './head';

const t = texts.tags;

/** All tags, those below another one beside it. */
export class Tags {
  readonly element: HTMLElement;
  /** Names by id, as far as they are known. */
  readonly names = new Map<string, string>();
  private readonly tags = el('ul', { class: 'tags', 'aria-label': t.title });
  private readonly notice = new Notice();

  constructor(private readonly api: Api) {
    const head = new Head(t.title);
    const { tags, notice } = this;
    this.element = el('main', { class: 'place-main' }, head.element, tags, notice.element);
  }

  async load(): Promise<void> {
    try {
      const tags = await this.read();
      this.tags.replaceChildren(...tags.map(entry));
      if (tags.length > 0) this.notice.hide();
      else this.notice.tell({ title: t.none, advice: t.noneAdvice }, 'tag');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.notice.explain(error, () => void this.load());
    }
  }

  /** What a tag is called, with those above it. */
  async nameOf(id: string): Promise<string> {
    if (!this.names.has(id)) await this.read();
    return this.names.get(id) ?? '';
  }

  private async read(): Promise<Tag[]> {
    const tags: Tag[] = [];
    let cursor: string | null = null;
    do {
      const page: { items: Tag[]; next_cursor: string | null } = await this.api.tags(cursor);
      tags.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    for (const { id, value } of tags) this.names.set(id, value.replaceAll('/', ' › '));
    return tags;
  }
}

function entry({ id, name, value, colour }: Tag): HTMLElement {
  const depth = value.split('/').length - 1;
  const dot = el('span', { class: 'tag-dot', style: colour ? { background: colour } : {} });
  const picture = colour ? dot : icon('tag');
  const above = depth > 0 && el('small', {}, `${value.split('/').slice(0, -1).join(' › ')} ›`);
  return el('li', {}, el('a', { class: 'tag', href: tagHash(id) }, picture, above, name));
}
