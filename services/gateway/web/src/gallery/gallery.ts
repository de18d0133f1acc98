import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Job, Photo } from '../api/schema';
import { addsFiles } from '../catalog';
import type { Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { type Explanation, explainError, notMade, readyWords } from '../ui/errors';
import { icon } from '../ui/icons';
import { count } from '../ui/words';
import { today } from './day';
import { keepInView } from './keepInView';
import { Masthead, type MastheadActions } from './masthead';
import { isRovingKey, roveTo } from './roving';
import { MemoryStrip } from './strip';
import { Tile } from './tile';

const SKELETON_ASPECTS = [1.5, 0.75, 1.33, 1, 1.78, 0.67, 1.5, 1.2, 0.8, 1.6, 1.33, 1];
const LOAD_AHEAD = '1200px';
/** So few photos are shown larger. */
const SMALL_LIBRARY = 9;

/** All photos as justified rows, loaded page by page while scrolling. */
export class Gallery {
  readonly element: HTMLElement;
  private readonly tiles = new Map<string, Tile>();
  private readonly list = el('ul', { class: 'grid', 'aria-label': 'Photos' });
  private readonly notice = el('div', { class: 'gallery-notice', hidden: true });
  private readonly sentinel = el('div', { class: 'sentinel', 'aria-hidden': 'true' });
  private readonly masthead: Masthead;
  private readonly strip = new MemoryStrip();
  private readonly main = el(
    'main',
    { class: 'gallery-main' },
    this.strip.element,
    el('h1', { class: 'sr-only' }, texts.nav.photos),
    this.list,
    this.notice,
    this.sentinel,
  );
  private shown: HTMLElement = this.main;
  /** How far the lists that are not shown were scrolled. */
  private readonly scrolled = new WeakMap<HTMLElement, number>();
  private active: string | null = null;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    actions: MastheadActions,
  ) {
    this.masthead = new Masthead(actions);
    this.element = el('div', { class: 'gallery' }, this.masthead.element, this.main);
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
    this.masthead.suit(this.store.config?.library ?? 'folder', this.store.share);
    if (this.store.order.length === 0) this.showSkeleton();
    if (this.store.config?.library === 'immich' && !this.store.share)
      void this.strip.load(this.api, today());
    await this.loadMore();
  }

  /** Shows another place below the masthead, as it was left; null for the photos again. */
  showInstead(place: HTMLElement | null): void {
    const next = place ?? this.main;
    if (next === this.shown) return;
    this.scrolled.set(this.shown, this.element.scrollTop);
    this.shown.replaceWith(next);
    this.shown = next;
    this.element.scrollTop = this.scrolled.get(next) ?? 0;
    this.summarise();
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
    this.store.on('shift', ({ placed, removed }) => {
      keepInView(this.element, this.list, () => {
        for (const id of removed) this.remove(id);
        for (const { photo, before } of placed) this.place(photo, before);
      });
      this.settle();
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
    this.store.on('connection', (connected) => this.masthead.tellConnection(connected));
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
    for (const photo of photos) this.place(photo, null);
    this.settle();
  }

  private place(photo: Photo, before: string | null): void {
    const url = this.api.thumbnailUrl(photo);
    const known = this.tiles.get(photo.id);
    known?.replace(photo, url);
    const tile = known ?? new Tile(photo, url);
    this.tiles.set(photo.id, tile);
    const next = (before && this.tiles.get(before)?.element) || null;
    // Moved without need, a tile would lose the focus.
    if (!known || tile.element.nextElementSibling !== next)
      this.list.insertBefore(tile.element, next);
  }

  private remove(id: string): void {
    const tile = this.tiles.get(id);
    if (!tile) return;
    const neighbour = (tile.element.nextElementSibling ??
      tile.element.previousElementSibling) as HTMLElement | null;
    const hadFocus = tile.link === document.activeElement;
    if (this.active === id) this.active = null;
    tile.element.remove();
    this.tiles.delete(id);
    if (hadFocus && neighbour?.dataset.id) this.focusPhoto(neighbour.dataset.id);
  }

  /** What follows from the list as a whole. */
  private settle(): void {
    const { complete, order } = this.store;
    const [first] = order;
    if (!this.active && first) this.makeActive(first);
    this.list.classList.toggle('is-small', complete && order.length <= SMALL_LIBRARY);
    this.notice.hidden = order.length > 0;
    if (order.length === 0 && complete) this.showEmpty();
    this.summarise();
  }

  private clear(): void {
    this.strip.clear();
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
    const ofPhotos = this.shown === this.main;
    const parts = [
      ofPhotos &&
        shown > 0 &&
        `${count(shown, 'photo', 'photos')}${this.store.complete ? '' : ' and more'}`,
      ofPhotos && in3d > 0 && `${in3d} in 3D`,
      working > 0 && `${working} in progress`,
    ];
    this.masthead.summary.textContent = parts.filter(Boolean).join(' · ');
  }

  private tellEnd(job: Job): void {
    const name = this.store.photos.get(job.photo_id)?.name;
    if (!name || addsFiles(job.kind)) return;
    if (job.state === 'failed') announce(`${notMade(job.kind)} for ${name}.`);
    if (job.state !== 'succeeded') return;
    announce(`${readyWords(job.kind)} for ${name}.`);
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
    if (this.store.share) {
      this.showNotice('No photos', 'This link shows none.', 'Reload', () => location.reload());
      return;
    }
    const where =
      this.store.config?.library === 'folder'
        ? 'Put some photos into the folder that ImmichVR was started with; they appear here by themselves.'
        : 'Upload some photos to Immich; they appear here within two minutes.';
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
