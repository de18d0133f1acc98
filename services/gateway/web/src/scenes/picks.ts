import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { fromMonthOf, newest, type Offered, type OfferedPage } from './offered';

/** Photos that are ticked, page by page. */
export class Picks {
  readonly element: HTMLElement;
  private readonly list = el('ul', { class: 'scene-picks', 'aria-label': texts.scenes.photos });
  private readonly more = el(
    'button',
    { class: 'button', type: 'button', hidden: true },
    texts.scenes.more,
  );
  private readonly trouble = el('p', { class: 'scene-trouble', role: 'alert' });
  private readonly names = new Map<string, string>();
  private pages: AsyncGenerator<OfferedPage, void> | null = null;

  constructor(
    private readonly api: Api,
    changed: () => void,
  ) {
    this.element = el('div', { class: 'scene-offer' }, this.list, this.more, this.trouble);
    this.list.addEventListener('change', changed);
    this.more.addEventListener('click', () => void this.addMore());
  }

  /** What is ticked, in the order that it is shown in. */
  get chosen(): Offered[] {
    const ticked = this.list.querySelectorAll<HTMLInputElement>('input:checked');
    return [...ticked].map(({ value: id }) => ({ id, name: this.names.get(id) ?? '' }));
  }

  clear(): void {
    this.pages = null;
    this.more.hidden = true;
    this.trouble.textContent = '';
    this.names.clear();
    this.list.replaceChildren();
  }

  /** Offers the stack of a photo, ticked, or what was taken about when it was; the newest without one. */
  async offer(id: string | null, signal: AbortSignal): Promise<void> {
    const stack = id ? await this.api.stackOf(id) : [];
    const single = id && stack.length <= 1 ? await this.api.photo(id) : null;
    const pages = single ? fromMonthOf(this.api, single) : newest(this.api);
    const first = stack.length > 1 ? { items: stack, isMore: false } : await nextOf(pages);
    if (signal.aborted) return;
    this.clear();
    const ticked = new Set([...stack.map((photo) => photo.id), ...(single ? [single.id] : [])]);
    const isThere = single && first.items.some((photo) => photo.id === single.id);
    const items = single && !isThere ? [single, ...first.items] : first.items;
    this.append(items, ticked);
    this.pages = pages;
    this.more.hidden = !first.isMore;
    this.list.querySelector(':checked')?.scrollIntoView({ block: 'nearest' });
  }

  private async addMore(): Promise<void> {
    const { pages } = this;
    if (!pages) return;
    this.more.disabled = true;
    try {
      const { items, isMore } = await nextOf(pages);
      if (pages !== this.pages) return;
      const shown = new Set(
        [...this.list.querySelectorAll('input')].map((box: HTMLInputElement) => box.value),
      );
      this.append(
        items.filter(({ id }) => !shown.has(id)),
        new Set(),
      );
      this.more.hidden = !isMore;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.more.hidden = true;
      this.trouble.textContent = explainError(error).title;
    } finally {
      this.more.disabled = false;
    }
  }

  private append(items: readonly Offered[], ticked: ReadonlySet<string>): void {
    for (const { id, name } of items) this.names.set(id, name);
    this.list.append(...items.map((photo) => this.pick(photo, ticked.has(photo.id))));
  }

  private pick({ id, name }: Offered, checked: boolean): HTMLElement {
    const box = el('input', { type: 'checkbox', value: id, checked });
    const src = this.api.url(`/api/photos/${encodeURIComponent(id)}/thumbnail`);
    const picture = el('img', { src, alt: name, loading: 'lazy', decoding: 'async' });
    return el('li', {}, el('label', { class: 'scene-pick' }, box, picture));
  }
}

/** The next page with anything on it; an empty last one where there is none. */
async function nextOf(pages: AsyncGenerator<OfferedPage, void>): Promise<OfferedPage> {
  for (;;) {
    const { value } = await pages.next();
    if (!value) return { items: [], isMore: false };
    if (value.items.length > 0 || !value.isMore) return value;
  }
}
