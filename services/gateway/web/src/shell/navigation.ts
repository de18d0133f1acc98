import './navigation.css';
import type { Route } from '../router';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import { IN_THE_BAR, NAVIGATION, type NavItem } from './places';

/**
 * The ways to all places: beside the page where there is room, else a bar below it with the four most wanted,
 * and the rest in a drawer.
 */
export class Navigation {
  readonly side: HTMLElement;
  readonly bar: HTMLElement;
  private readonly more = el('button', {
    class: 'nav-link nav-more',
    type: 'button',
    'aria-haspopup': 'dialog',
    'aria-expanded': 'false',
  });
  private readonly drawer = el('dialog', { class: 'drawer', 'aria-label': texts.nav.drawer });
  /** How many jobs are under way, where the way to them lies in the drawer. */
  private readonly work = el('span', { class: 'nav-count' });
  private readonly links = new Map<HTMLAnchorElement, NavItem>();

  constructor() {
    const groups = () =>
      NAVIGATION.map((items) => el('ul', {}, ...items.map((item) => this.entry(item))));
    this.side = el('nav', { class: 'side', 'aria-label': texts.nav.label }, ...groups());
    const barred = NAVIGATION.flat().filter(({ name }) => IN_THE_BAR.includes(name));
    this.more.append(icon('menu'), el('span', {}, texts.nav.more), this.work);
    this.more.addEventListener('click', () => this.open());
    const entries = [...barred.map((item) => this.entry(item)), el('li', {}, this.more)];
    this.bar = el(
      'div',
      { class: 'bar' },
      el('nav', { 'aria-label': texts.nav.label }, el('ul', {}, ...entries)),
      this.drawer,
    );
    const close = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': texts.nav.close },
      icon('close'),
    );
    close.addEventListener('click', () => this.drawer.close());
    this.drawer.append(
      el('div', { class: 'drawer-head' }, el('h2', {}, texts.nav.drawer), close),
      el('nav', { 'aria-label': texts.nav.drawer }, ...groups()),
    );
    this.drawer.addEventListener('click', (event) => {
      const target = event.target as HTMLElement;
      if (target === this.drawer || target.closest('a')) this.drawer.close();
    });
    this.drawer.addEventListener('close', () => this.more.setAttribute('aria-expanded', 'false'));
  }

  /** Shows only what there is for this library. */
  suit(library: string): void {
    for (const [link, item] of this.links) {
      (link.parentElement as HTMLElement).hidden = Boolean(item.ofImmich) && library !== 'immich';
    }
  }

  /** Marks where one is. */
  mark({ view }: Route): void {
    const barred = [...this.bar.querySelectorAll(':scope > nav a')];
    for (const [link, item] of this.links) {
      if (item.views.includes(view)) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    const elsewhere = !barred.some((link) => link.hasAttribute('aria-current'));
    this.more.classList.toggle('is-current', elsewhere);
  }

  /** How many jobs are under way. */
  tellWork(count: number): void {
    for (const [link, { name }] of this.links) {
      if (name !== 'jobs') continue;
      const badge = link.querySelector('.nav-count') as HTMLElement;
      badge.textContent = count > 0 ? String(count) : '';
    }
    this.work.textContent = count > 0 ? String(count) : '';
  }

  private open(): void {
    this.more.setAttribute('aria-expanded', 'true');
    this.drawer.showModal();
  }

  private entry(item: NavItem): HTMLElement {
    const link = el(
      'a',
      { class: 'nav-link', href: item.href },
      icon(item.icon),
      el('span', { class: 'nav-label' }, item.label),
      item.name === 'jobs' && el('span', { class: 'nav-count' }),
    );
    this.links.set(link, item);
    return el('li', {}, link);
  }
}
