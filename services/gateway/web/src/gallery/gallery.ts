import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Job } from '../api/schema';
import { addsFiles } from '../catalog';
import { letChoose } from '../grid/choosing';
import { Grid } from '../grid/grid';
import { ItemList } from '../grid/items';
import { Notice } from '../grid/notice';
import { usualActions } from '../grid/pictures';
import { setRows } from '../grid/rows';
import type { Section } from '../grid/sections';
import type { Anchor } from '../grid/sheet';
import { readyOnIntent } from '../photo/readiness';
import type { Settings } from '../settings/settings';
import { isActive, type Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { notMade, readyWords } from '../ui/errors';
import { monthWords } from '../ui/words';
import { today } from './day';
import type { FirstSteps } from './firstSteps';
import { Masthead, type MastheadActions } from './masthead';
import { Scrubber } from './scrubber';
import { type SelectionActions, SelectionBar } from './selectionBar';
import { MemoryStrip } from './strip';
import type { Shown } from './tile';
import { Timeline } from './timeline';

const SKELETONS = 40;
/** Months that tell whether anything was made 3D. */
const LOOKED_AT = 3;

/** What scrolls: the photos of all months, or another place instead of them, below one head. */
export class Gallery {
  readonly element: HTMLElement;
  readonly timeline: Timeline;
  private readonly masthead: Masthead;
  private readonly strip = new MemoryStrip();
  private firstSteps: FirstSteps | null = null;
  private readonly notice = new Notice();
  private readonly grid: Grid;
  private readonly scrubber: Scrubber;
  private readonly main: HTMLElement;
  /** Of a share link, which has no timeline. */
  private list: ItemList | null = null;
  /** Months as they are shown, and what was read of them. */
  private months = new Map<string, { read: Shown[] | null; section: Section }>();
  private shown: HTMLElement;
  /** How far the lists that are not shown were scrolled. */
  private readonly scrolled = new WeakMap<HTMLElement, number>();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    settings: Settings,
    private readonly actions: MastheadActions & SelectionActions,
  ) {
    this.masthead = new Masthead(actions);
    const bar = new SelectionBar(store.selection, actions);
    this.element = el('div', { class: 'gallery' }, bar.element, this.masthead.element);
    this.timeline = new Timeline(api, store);
    this.grid = new Grid(this.element, texts.nav.photos, {
      ...usualActions(api, store),
      near: (months) => this.timeline.want(months),
    });
    letChoose(this.grid, store.selection, (from, to) => this.timeline.readBetween(from, to));
    settings.on('change', ({ thumbnailSize, rowWidth }) => {
      setRows({ size: thumbnailSize, perRow: rowWidth });
      this.grid.layOutAnew();
    });
    this.scrubber = new Scrubber(this.grid, this.element);
    this.main = el(
      'main',
      { class: 'gallery-main' },
      el('h1', { class: 'sr-only' }, texts.nav.photos),
      this.strip.element,
      this.grid.element,
      this.notice.element,
      this.scrubber.element,
    );
    this.shown = this.main;
    this.element.append(this.main);
    readyOnIntent(this.element);
    this.watchStore();
  }

  /** Loads what is at the top, with placeholders until it is there. */
  async load(): Promise<void> {
    this.masthead.suit(this.store.config?.library ?? 'folder', this.store.share);
    this.notice.hide();
    if (this.store.share) {
      await this.loadShared();
      return;
    }
    this.store.trail ??= this.timeline;
    if (this.store.config?.library === 'immich') void this.strip.load(this.api, today());
    if (this.timeline.months.length === 0) this.showSkeleton();
    try {
      await this.timeline.load();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.grid.set([]);
      this.notice.explain(error, () => void this.load());
    } finally {
      this.element.removeAttribute('aria-busy');
    }
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

  /** What of the photos is looked at. */
  anchor(): Anchor | null {
    return this.list ? this.list.anchor() : this.grid.anchor();
  }

  /** Shows what was looked at, as soon as it is known. */
  comeBackTo(anchor: Anchor): void {
    if (this.list) void this.list.comeBackTo(anchor);
    else this.grid.comeBackTo(anchor);
  }

  /** Puts another button into the head. */
  offer(button: HTMLElement): void {
    this.masthead.element.querySelector('.masthead-actions')?.prepend(button);
  }

  /** Whether the drawer of jobs is open. */
  tellDrawer(isOpen: boolean): void {
    this.masthead.tellDrawer(isOpen);
  }

  /** Gives the focus back to a photo, after it was looked at. */
  focusPhoto(id: string): void {
    if (this.list) this.list.focus(id);
    else this.grid.focus(id);
  }

  /** A share link's photos, as a list: it has no months. */
  private async loadShared(): Promise<void> {
    this.list ??= new ItemList(this.api, this.store, this.element, texts.nav.photos);
    const { list } = this;
    this.store.trail = list;
    this.grid.element.replaceWith(list.element);
    await list.load(
      (cursor) => this.api.photos(cursor),
      () => list.notice.tell(texts.shared),
    );
  }

  private watchStore(): void {
    this.timeline.on('change', () => this.showMonths());
    this.timeline.on('error', (error) => {
      this.notice.explain(error, () => void this.load());
    });
    this.store.on('list', ({ reset }) => reset && this.clear());
    this.store.on('photo', (id) => {
      const photo = this.store.shown(id);
      if (photo && this.grid.item(id)) this.grid.update(photo);
    });
    this.store.on('job', (job) => {
      this.summarise();
      // What is offered where nothing is in 3D is weighed anew with the next change of what is shown.
      if (isActive(job)) this.firstSteps?.suit([]);
      this.tellEnd(job);
    });
    this.store.on('connection', (connected) => {
      this.masthead.tellConnection(connected);
      if (connected) this.grid.retryPictures();
    });
  }

  private showMonths(): void {
    const before = this.months;
    this.months = new Map();
    for (const { month, count, items } of this.timeline.months) {
      const known = before.get(month);
      // What changes of an item that is shown, the store tells; a month that is not read again stays as it is.
      const isKnown = known?.read === items && known?.section.count === count;
      const section = isKnown ? known.section : this.sectionOf(month, count, items);
      this.months.set(month, { read: items, section });
    }
    this.grid.set([...this.months.values()].map(({ section }) => section));
    this.scrubber.rebuild();
    void this.invite();
    if (this.timeline.months.length > 0) this.notice.hide();
    else this.showEmpty();
    this.summarise();
  }

  /** Offers 3D where there is none yet. */
  private async invite(): Promise<void> {
    let items = this.withoutAny();
    if (!this.firstSteps && items.length > 0) {
      const { FirstSteps } = await import('./firstSteps');
      this.firstSteps ??= new FirstSteps((items) => this.actions.make(items));
      this.main.append(this.firstSteps.element);
      items = this.withoutAny();
    }
    this.firstSteps?.suit(items);
  }

  /** What is known of the newest months; nothing where any of it is in 3D, or was tried to be. */
  private withoutAny(): Shown[] {
    if (this.store.activeJobs().length > 0) return [];
    const read = this.timeline.months.slice(0, LOOKED_AT).flatMap(({ items }) => items ?? []);
    const items = read.map((item) => this.store.photos.get(item.id) ?? item);
    return items.some(({ badges, job }) => badges.splat || job) ? [] : items;
  }

  private sectionOf(month: string, count: number, read: Shown[] | null): Section {
    const items = read?.map((item) => this.store.shown(item.id) ?? item) ?? null;
    return { key: month, title: monthWords(month), count, items };
  }

  private clear(): void {
    this.strip.clear();
    this.timeline.clear();
    this.grid.set([]);
    this.notice.hide();
  }

  private summarise(): void {
    const { count } = this.timeline;
    const items = this.shown === this.main && count > 0 ? texts.items(count) : '';
    this.masthead.summarise(items, this.store.activeJobs().length);
  }

  private tellEnd(job: Job): void {
    const photo = this.store.photos.get(job.photo_id);
    if (!photo || addsFiles(job.kind)) return;
    const name = photo.name || texts.unnamedPhoto;
    if (job.state === 'failed') announce(texts.work.forItem(notMade(job.kind), name));
    if (job.state === 'succeeded') announce(texts.work.forItem(readyWords(job.kind), name));
  }

  private showSkeleton(): void {
    this.element.setAttribute('aria-busy', 'true');
    this.grid.set([{ key: 'waiting', title: '', count: SKELETONS, items: null }]);
  }

  private showEmpty(): void {
    const { none, folder, immich } = texts.timeline;
    const advice = this.store.config?.library === 'folder' ? folder : immich;
    this.notice.tell({ title: none, advice });
  }
}
