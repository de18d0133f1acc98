import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Video } from '../api/schema';
import { keepInView } from '../gallery/keepInView';
import { isRovingKey, roveTo } from '../gallery/roving';
import { Tile } from '../gallery/tile';
import { Notice } from '../grid/notice';
import { texts } from '../texts';
import { el } from '../ui/dom';
import type { Videos } from './videos';

const LOAD_AHEAD = '1200px';

/** All videos as justified rows, loaded page by page while scrolling. */
export class Wall {
  readonly element: HTMLElement;
  private readonly list = el('ul', { class: 'grid', 'aria-label': texts.nav.videos });
  private readonly notice = new Notice();
  private readonly sentinel = el('div', { class: 'sentinel', 'aria-hidden': 'true' });
  private readonly tiles = new Map<string, Tile>();
  private active: string | null = null;

  constructor(
    private readonly api: Api,
    private readonly videos: Videos,
    private readonly scroller: HTMLElement,
  ) {
    this.element = el(
      'main',
      { class: 'gallery-main' },
      el('h1', { class: 'videos-title' }, texts.nav.videos),
      this.list,
      this.notice.element,
      this.sentinel,
    );
    this.list.addEventListener('keydown', (event) => this.rove(event));
    this.list.addEventListener('focusin', (event) => {
      const { id } = (event.target as HTMLElement).dataset;
      if (id) this.makeActive(id);
    });
    videos.on('list', () => keepInView(scroller, this.list, () => this.layOut()));
    videos.on('video', (id) => {
      const video = videos.known.get(id);
      if (video) this.tiles.get(id)?.update(video);
    });
    const seen = (entries: IntersectionObserverEntry[]) =>
      entries.some((entry) => entry.isIntersecting) && videos.order.length > 0 && this.load();
    const options = { root: scroller, rootMargin: LOAD_AHEAD };
    new IntersectionObserver((entries) => void seen(entries), options).observe(this.sentinel);
  }

  /** Loads what is missing to fill the window. */
  async load(): Promise<void> {
    try {
      await this.videos.loadMore();
      this.layOut();
      const { top } = this.sentinel.getBoundingClientRect();
      const below = top < this.scroller.clientHeight + Number.parseInt(LOAD_AHEAD, 10);
      if (below && !this.videos.complete && this.element.isConnected) await this.load();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.notice.explain(error, () => void this.load());
    }
  }

  /** Gives the focus back to a video, after it was watched. */
  focus(id: string): void {
    const tile = this.tiles.get(id);
    if (!tile) return;
    this.makeActive(id);
    tile.link.focus({ preventScroll: true });
    tile.element.scrollIntoView({ block: 'nearest' });
  }

  private layOut(): void {
    const { order, known, complete } = this.videos;
    const present = new Set(order);
    for (const [id, tile] of this.tiles) {
      if (present.has(id)) continue;
      tile.element.remove();
      this.tiles.delete(id);
    }
    let before: Element | null = null;
    for (const id of order) {
      const { element } = this.tileOf(known.get(id) as Video);
      const next: Element | null = before ? before.nextElementSibling : this.list.firstElementChild;
      // Moved without need, a tile would lose the focus.
      if (next !== element) this.list.insertBefore(element, next);
      before = element;
    }
    if (!this.active || !present.has(this.active)) {
      this.active = null;
      if (order[0]) this.makeActive(order[0]);
    }
    if (order.length > 0 || !complete) this.notice.hide();
    else this.notice.tell({ title: texts.video.none, advice: texts.video.noneAdvice }, 'film');
  }

  private tileOf(video: Video): Tile {
    const url = this.api.thumbnailUrl(video);
    const known = this.tiles.get(video.id);
    if (known) {
      if (known.picture === url) known.update(video);
      else known.replace(video, url);
      return known;
    }
    const tile = new Tile(video, url);
    tile.onBroken(() => tile.link.prepend(this.firstFrame(video)));
    this.tiles.set(video.id, tile);
    return tile;
  }

  /** For libraries that have no pictures of videos, as folders have none. */
  private firstFrame(video: Video): HTMLElement {
    const film = el('video', {
      class: 'tile-film',
      src: `${this.api.url(video.playback)}#t=0.1`,
      preload: 'metadata',
      playsinline: true,
      tabindex: -1,
      'aria-hidden': 'true',
    });
    film.muted = true;
    return film;
  }

  private rove(event: KeyboardEvent): void {
    if (!isRovingKey(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    const { order } = this.videos;
    const at = order.indexOf(this.active ?? '');
    if (at < 0) return;
    event.preventDefault();
    const boxes = order.map((id) => (this.tiles.get(id) as Tile).element.getBoundingClientRect());
    const id = order[roveTo(event.key, at, boxes)];
    if (id) this.focus(id);
  }

  private makeActive(id: string): void {
    if (this.active) this.tiles.get(this.active)?.link.setAttribute('tabindex', '-1');
    this.tiles.get(id)?.link.setAttribute('tabindex', '0');
    this.active = id;
  }
}
