import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import { ItemList } from '../grid/items';
import { type SearchMode, searchHash } from '../router';
import type { Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { Head } from './head';
import { Voice } from './voice';

const t = texts.search;

/** What is looked for, and where; and what was found. */
export class Search {
  readonly element: HTMLElement;
  readonly list: ItemList;
  private readonly words = el('input', {
    type: 'search',
    name: 'q',
    placeholder: t.placeholder,
    'aria-label': t.label,
    autocomplete: 'off',
    maxlength: 200,
  });
  private readonly mode = el('select', { name: 'mode', 'aria-label': t.mode });
  private readonly voice = new Voice((words, isWhole) => {
    this.words.value = words;
    if (isWhole) this.submit();
  });
  private shown = '';

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    scroller: HTMLElement,
    private readonly go: (hash: string) => void,
  ) {
    this.list = new ItemList(api, store, scroller, t.title);
    for (const [value, label] of Object.entries(t.modes))
      this.mode.append(el('option', { value }, label));
    const form = el(
      'form',
      { class: 'search-form', role: 'search' },
      this.words,
      this.mode,
      this.voice.button,
      el('button', { class: 'button is-primary', type: 'submit' }, t.go),
      this.voice.told,
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    this.mode.addEventListener('change', () => this.words.value.trim() && this.submit());
    this.element = el(
      'main',
      { class: 'place-main' },
      new Head(t.title).element,
      form,
      this.list.element,
    );
  }

  async open(q: string, mode: SearchMode | null): Promise<void> {
    const wanted = mode ?? this.usual;
    const key = JSON.stringify([q, wanted]);
    this.words.value = q;
    this.mode.value = wanted;
    if (key === this.shown && q) return;
    this.shown = key;
    if (!q.trim()) {
      this.list.clear();
      this.list.notice.tell({ title: t.begin, advice: t.beginAdvice }, 'search');
      this.words.focus();
      return;
    }
    let isOff = false;
    const read = async (cursor: string | null) => {
      try {
        return await this.api.search(q, wanted, cursor);
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'search_unavailable') throw error;
        isOff = true;
        return { items: [], next_cursor: null };
      }
    };
    await this.list.load(read, () => {
      if (isOff) this.tellOff(q);
      else this.list.notice.tell({ title: t.none, advice: t.noneAdvice(q) }, 'search');
    });
  }

  /** Another place is shown. */
  leave(): void {
    this.voice.leave();
  }

  /** A folder knows names; Immich mostly knows what pictures show. */
  private get usual(): SearchMode {
    return this.store.config?.library === 'folder' ? 'name' : 'smart';
  }

  private submit(): void {
    const q = this.words.value.trim();
    if (q) this.go(searchHash(q, this.mode.value as SearchMode));
  }

  private tellOff(q: string): void {
    const advice = this.store.config?.library === 'folder' ? t.offFolder : t.offAdvice;
    this.list.notice.show(t.off, advice, 'search', {
      label: t.byName,
      run: () => this.go(searchHash(q, 'name')),
    });
  }
}
