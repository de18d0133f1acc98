import './places.css';
import type { Api } from '../api/client';
import { makeAll } from '../gallery/makeAll';
import type { Shown } from '../gallery/tile';
import { coverPage, JOBS } from '../router';
import type { Settings } from '../settings/settings';
import type { Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import { JobList } from './jobs';

const t = texts.selection;

/** As wide as what has the bar of places below it: the drawer covers what is beside it there. */
const NARROW = window.matchMedia('(max-width: 699px)');

/** What is under way: beside whatever one looks at where there is room, over it where there is not. */
export class JobsDrawer {
  private readonly element: HTMLElement;
  /** Keeps what lies behind from being reached, where the drawer covers it. */
  private readonly over = el('dialog', { class: 'jobs-over', 'aria-label': texts.jobs.title });
  private readonly list: JobList;
  private readonly told = el('p', { class: 'jobs-told', role: 'status' });
  private readonly title = el('h2', { tabindex: -1 }, texts.jobs.title);
  private opener: HTMLElement | null = null;
  /** Whether the browser's history has an entry for what covers the page, so that Back uncovers it. */
  private isKept = false;
  /** Whether the browser is on its way back from such an entry. */
  private isLeaving = false;

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
    this.element = el(
      'aside',
      { class: 'jobs-drawer', 'aria-label': texts.jobs.title },
      el('header', { class: 'jobs-drawer-head' }, this.title, all, close),
      this.told,
      this.list.element,
    );
    this.element.addEventListener('click', (event) => {
      const link = (event.target as HTMLElement).closest('a');
      if (link && (link === all || this.over.open)) this.follow(event, link);
    });
    this.over.addEventListener('click', ({ target }) => target === this.over && this.close());
    this.over.addEventListener('close', () => {
      // It is told late: the drawer may have been opened again.
      if (!this.over.open && this.element.parentElement === this.over) this.close();
    });
    NARROW.addEventListener('change', () => this.isOpen && this.seat());
    window.addEventListener('popstate', () => this.onBack());
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
    this.seat();
    this.onToggle(true);
    this.title.focus({ preventScroll: true });
    await this.list.open();
  }

  /** Without an element on the page, jobs that come are not listed. */
  close(): void {
    if (!this.isOpen) return;
    const had = this.element.contains(document.activeElement) || this.over.open;
    this.unseat();
    if (this.isKept) history.back();
    this.isLeaving ||= this.isKept;
    this.isKept = false;
    this.onToggle(false);
    this.tell('');
    if (!had) return;
    // What opened it may be gone: a tile that was scrolled away, a count of jobs that are done.
    const opener = this.opener?.checkVisibility() ? this.opener : null;
    (opener ?? document.querySelector<HTMLElement>('.tile-link[tabindex="0"]'))?.focus();
  }

  /** Puts it beside the page, or over it. */
  private seat(): void {
    this.unseat();
    if (!NARROW.matches) {
      this.root.append(this.element);
      return;
    }
    this.over.append(this.element);
    this.root.append(this.over);
    this.over.showModal();
    this.keep();
  }

  /** Has an entry in the history, once the one before is left. */
  private keep(): void {
    if (this.isKept || this.isLeaving) return;
    coverPage();
    this.isKept = true;
  }

  private onBack(): void {
    if (this.isLeaving) {
      this.isLeaving = false;
      if (this.over.open) this.keep();
    } else if (this.isKept) {
      this.isKept = false;
      this.close();
    }
  }

  private unseat(): void {
    this.element.remove();
    this.over.close();
    this.over.remove();
  }

  /** Leads to another place; in the history that takes the place of what covered the page. */
  private follow(event: MouseEvent, { href }: HTMLAnchorElement): void {
    if (this.isKept) {
      event.preventDefault();
      this.isKept = false;
      location.replace(href);
    }
    this.close();
  }

  /** Has 3D made of each of these, and says how far that is. */
  async makeAll(items: Shown[]): Promise<void> {
    await makeAll(this.api, this.store, this.settings, items, (words) => this.tell(words));
  }

  private tell(words: string): void {
    this.told.textContent = words;
  }
}
