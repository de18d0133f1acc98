import type { Share } from '../api/schema';
import { HOME, SEARCH, searchHash } from '../router';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { type IconName, icon } from '../ui/icons';

export interface MastheadActions {
  help(): void;
  /** Shows or hides what is under way. */
  jobs(): void;
  signOut(): void;
}

/** The head of the gallery: whose it is, what is listed, and the search. */
export class Masthead {
  readonly element: HTMLElement;
  private readonly items = el('span', {});
  private readonly jobs = el('button', {
    class: 'summary-jobs',
    type: 'button',
    hidden: true,
    'aria-expanded': 'false',
  });
  private readonly offline = el('p', { class: 'offline', role: 'status', hidden: true });
  private readonly signOut = action('signOut', texts.gallery.signOut);
  private readonly wordmark = el(
    'a',
    { class: 'wordmark', href: HOME },
    icon('layers'),
    'ImmichVR',
  );
  private readonly search = el('form', { class: 'masthead-search', role: 'search' });

  constructor(actions: MastheadActions) {
    this.signOut.hidden = true;
    this.signOut.addEventListener('click', actions.signOut);
    const help = action('help', texts.gallery.help, `${texts.gallery.help} (H)`);
    help.addEventListener('click', actions.help);
    this.jobs.addEventListener('click', actions.jobs);
    const words = el('input', {
      type: 'search',
      placeholder: texts.search.label,
      'aria-label': texts.search.label,
      autocomplete: 'off',
      maxlength: 200,
    });
    this.search.append(icon('search'), words);
    this.search.addEventListener('submit', (event) => {
      event.preventDefault();
      const q = words.value.trim();
      words.value = '';
      location.hash = q ? searchHash(q, null) : SEARCH;
    });
    this.element = el(
      'header',
      { class: 'masthead' },
      this.wordmark,
      this.search,
      el('p', { class: 'summary' }, this.items, this.jobs),
      this.offline,
      el('div', { class: 'masthead-actions' }, help, this.signOut),
    );
  }

  /** Shows what there is for this library, and for whom. */
  suit(library: string, share: Share | null): void {
    this.signOut.hidden = library !== 'immich';
    if (!share) return;
    this.signOut.hidden = this.search.hidden = true;
    this.wordmark.replaceChildren(icon('layers'), share.title || texts.gallery.sharedPhotos);
  }

  /** items: what is listed, in words; working: how many jobs are under way. */
  summarise(items: string, working: number): void {
    this.items.textContent = items;
    this.jobs.textContent = working > 0 ? texts.jobs.inProgress(working) : '';
    this.jobs.hidden = working === 0;
  }

  tellDrawer(isOpen: boolean): void {
    this.jobs.setAttribute('aria-expanded', String(isOpen));
  }

  tellConnection(connected: boolean): void {
    this.offline.hidden = connected;
    this.offline.textContent = connected ? '' : texts.gallery.paused;
  }
}

function action(name: IconName, label: string, title = label): HTMLButtonElement {
  const attributes = { class: 'icon-button', type: 'button', 'aria-label': label, title };
  return el('button', attributes, icon(name));
}
