import type { Share } from '../api/schema';
import { ACCOUNT, AUTOMATION, MODELS, VIDEOS } from '../router';
import { el } from '../ui/dom';
import { type IconName, icon } from '../ui/icons';

export interface MastheadActions {
  help(): void;
  signOut(): void;
}

/** The head of the gallery: whose it is, what is listed, and ways to other pages. */
export class Masthead {
  readonly element: HTMLElement;
  readonly summary = el('p', { class: 'summary' });
  private readonly offline = el('p', { class: 'offline', role: 'status', hidden: true });
  private readonly signOut = action('signOut', 'Sign out');
  private readonly automation = way('byItself', 'New photos in 3D', AUTOMATION);
  private readonly wordmark = el('h1', { class: 'wordmark' }, icon('layers'), 'ImmichVR');
  private readonly lists = {
    photos: el('a', { href: '#/' }, 'Photos'),
    videos: el('a', { href: VIDEOS }, 'Videos'),
  };
  /** Ways to what a share link does not lead to. */
  private readonly ofPeople: HTMLElement[];

  constructor(actions: MastheadActions) {
    this.signOut.hidden = this.automation.hidden = true;
    this.signOut.addEventListener('click', actions.signOut);
    const help = action('help', 'Help', 'Help (H)');
    help.addEventListener('click', actions.help);
    const live = way('live', 'Live', './live.html');
    const models = way('models', 'Models', MODELS);
    const account = way('account', 'Account', ACCOUNT);
    this.ofPeople = [live, models, this.automation, account, this.signOut];
    const { photos, videos } = this.lists;
    this.element = el(
      'header',
      { class: 'masthead' },
      this.wordmark,
      el('nav', { class: 'lists', 'aria-label': 'Library' }, photos, videos),
      this.summary,
      this.offline,
      el('div', { class: 'masthead-actions' }, ...this.ofPeople, help),
    );
    this.mark('photos');
  }

  /** Shows what there is for this library, and for whom. */
  suit(library: string, share: Share | null): void {
    this.signOut.hidden = this.automation.hidden = library !== 'immich';
    if (!share) return;
    for (const one of this.ofPeople) one.hidden = true;
    this.wordmark.replaceChildren(icon('layers'), share.title || 'Shared photos');
  }

  /** Marks which list is shown. */
  mark(list: 'photos' | 'videos'): void {
    for (const [name, link] of Object.entries(this.lists)) {
      if (name === list) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }

  tellConnection(connected: boolean): void {
    this.offline.hidden = connected;
    this.offline.textContent = connected ? '' : 'Live updates paused, reconnecting…';
  }
}

function action(name: IconName, label: string, title = label): HTMLButtonElement {
  const attributes = { class: 'icon-button', type: 'button', 'aria-label': label, title };
  return el('button', attributes, icon(name));
}

function way(name: IconName, label: string, href: string): HTMLAnchorElement {
  return el('a', { class: 'icon-button', href, 'aria-label': label, title: label }, icon(name));
}
