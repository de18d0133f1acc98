import './places.css';
import type { Api } from '../api/client';
import { makeAll } from '../gallery/makeAll';
import type { Shown } from '../gallery/tile';
import { JOBS } from '../router';
import type { Settings } from '../settings/settings';
import type { Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import { JobList } from './jobs';

const t = texts.selection;

/** What is under way, beside whatever one looks at. */
export class JobsDrawer {
  private readonly element: HTMLElement;
  private readonly list: JobList;
  private readonly told = el('p', { class: 'jobs-told', role: 'status' });
  private readonly title = el('h2', { tabindex: -1 }, texts.jobs.title);
  private opener: HTMLElement | null = null;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly settings: Settings,
    private readonly root: HTMLElement,
    private readonly onToggle: (isOpen: boolean) => void,
  ) {
    this.list = new JobList(api, store);
    const close = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': t.closeJobs },
      icon('close'),
    );
    close.addEventListener('click', () => this.close());
    const all = el('a', { class: 'button is-small', href: JOBS }, t.allJobs);
    all.addEventListener('click', () => this.close());
    this.element = el(
      'aside',
      { class: 'jobs-drawer', 'aria-label': texts.jobs.title },
      el('header', { class: 'jobs-drawer-head' }, this.title, all, close),
      this.told,
      this.list.element,
    );
    document.addEventListener('keydown', (event) => {
      const isOver = document.querySelector('dialog[open]') !== null || event.defaultPrevented;
      if (event.key !== 'Escape' || isOver || !this.isOpen) return;
      event.preventDefault();
      this.close();
    });
  }

  get isOpen(): boolean {
    return this.element.isConnected;
  }

  async open(): Promise<void> {
    if (this.isOpen) return;
    this.opener = document.activeElement as HTMLElement | null;
    this.root.append(this.element);
    this.onToggle(true);
    this.title.focus({ preventScroll: true });
    await this.list.open();
  }

  /** Without an element on the page, jobs that come are not listed. */
  close(): void {
    const had = this.element.contains(document.activeElement);
    this.element.remove();
    this.onToggle(false);
    this.tell('');
    if (!had) return;
    // What opened it may be gone: a tile that was scrolled away, a count of jobs that are done.
    const opener = this.opener?.checkVisibility() ? this.opener : null;
    (opener ?? document.querySelector<HTMLElement>('.tile-link[tabindex="0"]'))?.focus();
  }

  /** Has 3D made of each of these, and says how far that is. */
  async makeAll(items: Shown[]): Promise<void> {
    await makeAll(this.api, this.store, this.settings, items, (words) => this.tell(words));
  }

  private tell(words: string): void {
    this.told.textContent = words;
  }
}
