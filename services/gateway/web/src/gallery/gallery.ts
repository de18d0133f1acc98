import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Job, Photo } from '../api/schema';
import { MODELS } from '../router';
import type { Store } from '../store';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { type Explanation, explainError, notMade } from '../ui/errors';
import { icon } from '../ui/icons';
import { count } from '../ui/words';
import { isRovingKey, roveTo } from './roving';
import { Tile } from './tile';

const SKELETON_ASPECTS = [1.5, 0.75, 1.33, 1, 1.78, 0.67, 1.5, 1.2, 0.8, 1.6, 1.33, 1];
const LOAD_AHEAD = '1200px';
/** So few photos are shown larger. */
const SMALL_LIBRARY = 9;

interface GalleryActions {
  help(): void;
  signOut(): void;
}

/** All photos as justified rows, loaded page by page while scrolling. */
export class Gallery {
  readonly element: HTMLElement;
  private readonly tiles = new Map<string, Tile>();
  private readonly list = el('ul', { class: 'grid', 'aria-label': 'Photos' });
  private readonly notice = el('div', { class: 'gallery-notice', hidden: true });
  private readonly sentinel = el('div', { class: 'sentinel', 'aria-hidden': 'true' });
  private readonly summary = el('p', { class: 'summary' });
  private readonly offline = el('p', { class: 'offline', role: 'status', hidden: true });
  private readonly signOut: HTMLButtonElement;
  private active: string | null = null;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    actions: GalleryActions,
  ) {
    this.signOut = el(
      'button',
      {
        class: 'icon-button',
        type: 'button',
        'aria-label': 'Sign out',
        title: 'Sign out',
        hidden: true,
      },
      icon('signOut'),
    );
    this.signOut.addEventListener('click', actions.signOut);
    const help = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': 'Help', title: 'Help (H)' },
      icon('help'),
    );
    help.addEventListener('click', actions.help);
    const models = el(
      'a',
      { class: 'icon-button', href: MODELS, 'aria-label': 'Models', title: 'Models' },
      icon('models'),
    );
    const live = el(
      'a',
      { class: 'icon-button', href: './live.html', 'aria-label': 'Live', title: 'Live' },
      icon('live'),
    );
    this.element = el(
      'div',
      { class: 'gallery' },
      el(
        'header',
        { class: 'masthead' },
        el('h1', { class: 'wordmark' }, icon('layers'), 'ImmichVR'),
        this.summary,
        this.offline,
        el('div', { class: 'masthead-actions' }, live, models, this.signOut, help),
      ),
      el('main', { class: 'gallery-main' }, this.list, this.notice, this.sentinel),
    );
    this.list.addEventListener('keydown', (event) => this.rove(event));
    this.list.addEventListener('focusin', (event) => this.followFocus(event));
    this.watchStore();
    new IntersectionObserver((entries) => this.onSentinel(entries), {
      root: this.element,
      rootMargin: LOAD_AHEAD,
    }).observe(this.sentinel);
  }

  /** Loads the first page, with placeholders until it is there. */
  async load(): Promise<void> {
    this.signOut.hidden = this.store.config?.library !== 'immich';
    if (this.store.order.length === 0) this.showSkeleton();
    await this.loadMore();
  }

  /** Gives the focus back to a photo, after it was looked at. */
  focusPhoto(id: string): void {
    const tile = this.tiles.get(id);
    if (!tile) return;
    this.makeActive(id);
    tile.link.focus({ preventScroll: true });
    tile.element.scrollIntoView({ block: 'nearest' });
  }

  private watchStore(): void {
    this.store.on('list', ({ added, reset }) => {
      if (reset) this.clear();
      this.append(added);
    });
    this.store.on('photo', (id) => {
      const photo = this.store.photos.get(id);
      if (photo) this.tiles.get(id)?.update(photo);
      this.summarise();
    });
    this.store.on('job', (job) => {
      this.summarise();
      this.tellEnd(job);
    });
    this.store.on('connection', (connected) => {
      this.offline.hidden = connected;
      this.offline.textContent = connected ? '' : 'Live updates paused, reconnecting…';
    });
  }

  private async loadMore(): Promise<void> {
    try {
      await this.store.loadMore();
      this.list.querySelectorAll('.is-skeleton').forEach((tile) => {
        tile.remove();
      });
      this.notice.hidden = this.store.order.length > 0;
      if (this.store.order.length === 0) this.showEmpty();
      this.element.removeAttribute('aria-busy');
      this.continueIfVisible();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code !== 'unauthorized') this.showError(explainError(error));
    }
  }

  private append(photos: Photo[]): void {
    for (const photo of photos) {
      const tile = new Tile(photo, this.api.url(photo.thumbnail));
      this.tiles.set(photo.id, tile);
      this.list.append(tile.element);
    }
    const first = this.store.order[0];
    if (!this.active && first) this.makeActive(first);
    const { complete, order } = this.store;
    this.list.classList.toggle('is-small', complete && order.length <= SMALL_LIBRARY);
    this.summarise();
  }

  private clear(): void {
    this.tiles.clear();
    this.list.replaceChildren();
    this.active = null;
    this.notice.hidden = true;
  }

  private onSentinel(entries: IntersectionObserverEntry[]): void {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    if (this.store.order.length > 0 && !this.store.complete) void this.loadMore();
  }

  /** An observer only speaks up when visibility changes; a tall window may need several pages. */
  private continueIfVisible(): void {
    if (this.store.complete || this.store.order.length === 0) return;
    const ahead = Number.parseInt(LOAD_AHEAD, 10);
    const { top } = this.sentinel.getBoundingClientRect();
    if (top < this.element.clientHeight + ahead) void this.loadMore();
  }

  private summarise(): void {
    const photos = [...this.store.photos.values()];
    const in3d = photos.filter((photo) => photo.badges.splat).length;
    const working = this.store.activeJobs().length;
    const shown = this.store.order.length;
    const parts = [
      shown > 0 && `${count(shown, 'photo', 'photos')}${this.store.complete ? '' : ' and more'}`,
      in3d > 0 && `${in3d} in 3D`,
      working > 0 && `${working} in progress`,
    ];
    this.summary.textContent = parts.filter(Boolean).join(' · ');
  }

  private tellEnd(job: Job): void {
    const name = this.store.photos.get(job.photo_id)?.name;
    if (!name || job.kind === 'convert') return;
    if (job.state === 'failed') announce(`${notMade(job.kind)} for ${name}.`);
    if (job.state !== 'succeeded') return;
    announce(`${name} is ready ${job.kind === 'splat' ? 'in 3D' : 'with depth'}.`);
  }

  private rove(event: KeyboardEvent): void {
    if (!isRovingKey(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    const { order } = this.store;
    const at = order.indexOf(this.active ?? '');
    if (at < 0) return;
    event.preventDefault();
    const boxes = order.map((id) => {
      const { left, top, width } = (this.tiles.get(id) as Tile).element.getBoundingClientRect();
      return { left, top, width };
    });
    const id = order[roveTo(event.key, at, boxes)];
    if (id) this.focusPhoto(id);
  }

  private followFocus(event: FocusEvent): void {
    const id = (event.target as HTMLElement).dataset.id;
    if (id) this.makeActive(id);
  }

  private makeActive(id: string): void {
    if (this.active) this.tiles.get(this.active)?.link.setAttribute('tabindex', '-1');
    this.tiles.get(id)?.link.setAttribute('tabindex', '0');
    this.active = id;
  }

  private showSkeleton(): void {
    this.element.setAttribute('aria-busy', 'true');
    this.notice.hidden = true;
    this.list.replaceChildren(
      ...[...SKELETON_ASPECTS, ...SKELETON_ASPECTS].map((aspect) =>
        el('li', {
          class: 'tile is-skeleton',
          'aria-hidden': 'true',
          style: { '--aspect': String(aspect) },
        }),
      ),
    );
  }

  private showEmpty(): void {
    const where =
      this.store.config?.library === 'folder'
        ? 'Put some photos into the folder that ImmichVR was started with, then reload.'
        : 'Upload some photos to Immich, then reload.';
    this.showNotice('No photos yet', where, 'Reload', () => location.reload());
  }

  private showError(explanation: Explanation): void {
    this.element.removeAttribute('aria-busy');
    this.list.querySelectorAll('.is-skeleton').forEach((tile) => {
      tile.remove();
    });
    this.showNotice(explanation.title, explanation.advice, 'Try again', () => void this.load());
  }

  private showNotice(title: string, text: string, action: string, run: () => void): void {
    const button = el('button', { class: 'button', type: 'button' }, action);
    button.addEventListener('click', run);
    this.notice.replaceChildren(icon('layers'), el('h2', {}, title), el('p', {}, text), button);
    this.notice.hidden = false;
  }
}
