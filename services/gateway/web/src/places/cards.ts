import { ApiError, type Page } from '../api/client';
import { Notice } from '../grid/notice';
import { el } from '../ui/dom';

const LOAD_AHEAD_PX = 800;
const SKELETONS = 12;

/** A list of cards that grows while it is scrolled: albums, people, places. */
export class Cards<T> {
  readonly element: HTMLElement;
  private readonly list: HTMLUListElement;
  private readonly notice: Notice;
  private cursor: string | null = null;
  private complete = false;
  private loading = false;

  /** shape: the class of a card, of which a placeholder has the same. */
  constructor(
    scroller: HTMLElement,
    label: string,
    shape: string,
    private readonly read: (cursor: string | null) => Promise<Page<T>>,
    private readonly card: (item: T) => HTMLElement,
    private readonly none: () => { title: string; advice: string },
  ) {
    this.list = el('ul', { class: `cards is-${shape}`, 'aria-label': label });
    this.notice = new Notice();
    const end = el('div', { class: 'sentinel', 'aria-hidden': 'true' });
    this.element = el('div', {}, this.list, this.notice.element, end);
    const seen = (entries: IntersectionObserverEntry[]) =>
      entries.some(({ isIntersecting }) => isIntersecting) && void this.more();
    const options = { root: scroller, rootMargin: `${LOAD_AHEAD_PX}px` };
    new IntersectionObserver(seen, options).observe(end);
  }

  /** Reads the list anew; what was shown stays until there is better. */
  async load(): Promise<void> {
    if (this.list.childElementCount === 0) this.showSkeleton();
    this.cursor = null;
    this.complete = false;
    await this.more(true);
  }

  private async more(anew = false): Promise<void> {
    if (this.loading || (this.complete && !anew)) return;
    if (!anew && this.cursor === null) return; // nothing was read yet
    this.loading = true;
    try {
      const { items, next_cursor } = await this.read(this.cursor);
      const cards = items.map((item) => el('li', { class: 'place-card' }, this.card(item)));
      if (anew) this.list.replaceChildren(...cards);
      else this.list.append(...cards);
      this.cursor = next_cursor;
      this.complete = next_cursor === null;
      if (this.complete && this.list.childElementCount === 0) this.notice.tell(this.none());
      else this.notice.hide();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      for (const one of this.list.querySelectorAll('.is-skeleton')) one.remove();
      this.notice.explain(error, () => void this.load());
    } finally {
      this.loading = false;
      this.list.removeAttribute('aria-busy');
    }
  }

  private showSkeleton(): void {
    this.list.setAttribute('aria-busy', 'true');
    for (let i = 0; i < SKELETONS; i += 1)
      this.list.append(
        el('li', { class: 'place-card is-skeleton', 'aria-hidden': 'true' }, el('span', {})),
      );
  }
}
