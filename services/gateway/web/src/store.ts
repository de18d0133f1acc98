import type { Api } from './api/client';
import type { Asset, AssetMap, Config, Job, ModelNews, Photo, PhotoDetail } from './api/schema';
import { Emitter } from './emitter';

interface StoreEvents {
  /** Photos were added at the end, or the whole list is new. */
  list: { added: Photo[]; reset: boolean };
  /** The entry of this photo changed (badges, job). */
  photo: string;
  job: Job;
  /** Something was made for this photo: its assets should be read again. */
  assets: string;
  /** A model changed: what is told live, or its key where only a job about it changed. */
  model: ModelNews | string;
  connection: boolean;
}

const FINAL = new Set(['succeeded', 'failed', 'cancelled']);

const OF_PHOTOS = new Set<string>(['depth', 'splat', 'convert']);

/** Whether a job makes something of a photo; others are about models or live sessions. */
export const isOfPhoto = (job: { kind: string }): boolean => OF_PHOTOS.has(job.kind);

export const isFinal = (job: Job): boolean => FINAL.has(job.state);
type ActiveJob = Job & { state: 'queued' | 'running' };

export const isActive = (job: Job | null): job is ActiveJob => job !== null && !isFinal(job);

/** The job that matters on a photo: one that runs, or one that failed and left nothing. */
export function jobToShow(photo: Photo): Job | null {
  const { job, badges } = photo;
  if (!job || isActive(job)) return job;
  return job.state === 'failed' && !(job.kind !== 'convert' && badges[job.kind]) ? job : null;
}

/** Whether `next` tells something newer about the same job than `known`. */
export function supersedes(next: Job, known: Job | undefined): boolean {
  if (!known) return true;
  if (next.run !== known.run) return next.run > known.run;
  const newer = timeOf(next) >= timeOf(known);
  return isFinal(known) ? isFinal(next) && newer : isFinal(next) || newer;
}

const timeOf = (job: Job): number => Date.parse(job.updated_at) || 0;

/** What is known of the library: photos in order, and the jobs that run for them. */
export class Store extends Emitter<StoreEvents> {
  config: Config | null = null;
  connected = false;
  readonly photos = new Map<string, Photo>();
  readonly jobs = new Map<string, Job>();
  order: string[] = [];
  private readonly listed = new Set<string>();
  private cursor: string | null = null;
  private reachedEnd = false;
  private loading: Promise<void> | null = null;
  private generation = 0;

  constructor(private readonly api: Api) {
    super();
  }

  get complete(): boolean {
    return this.reachedEnd;
  }

  activeJobs(): Job[] {
    return [...this.jobs.values()].filter(isActive);
  }

  /** Loads the next page; concurrent calls share one request. */
  loadMore(): Promise<void> {
    if (this.reachedEnd) return Promise.resolve();
    this.loading ??= this.loadPage().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  /** Forgets everything, for another person or after signing out. */
  reset(): void {
    this.generation += 1;
    this.photos.clear();
    this.jobs.clear();
    this.order = [];
    this.listed.clear();
    this.cursor = null;
    this.reachedEnd = false;
    this.loading = null;
    this.emit('list', { added: [], reset: true });
  }

  async openPhoto(id: string): Promise<PhotoDetail> {
    const { generation } = this;
    const detail = await this.api.photo(id);
    if (generation === this.generation) this.merge(detail);
    return detail;
  }

  /** Takes a job in, unless something newer is known already. */
  applyJob(job: Job): void {
    if (!isOfPhoto(job)) {
      if (job.params.model) this.emit('model', job.params.model);
      return;
    }
    const known = this.jobs.get(job.id);
    if (!supersedes(job, known)) return;
    const justEnded = isFinal(job) && (!known || !isFinal(known) || known.run !== job.run);
    this.jobs.set(job.id, job);
    this.showOnPhoto(job);
    this.emit('job', job);
    if (job.state === 'succeeded' && justEnded) this.emit('assets', job.photo_id);
  }

  applyAsset(photoId: string, asset: Asset): void {
    const photo = this.photos.get(photoId);
    if (photo && !photo.badges[asset.kind]) {
      photo.badges = { ...photo.badges, [asset.kind]: true };
      this.emit('photo', photoId);
    }
    this.emit('assets', photoId);
  }

  /** Something that was made for this photo is gone: what it still has is read again. */
  async dropAsset(photoId: string): Promise<void> {
    if (!this.photos.has(photoId)) return;
    await this.openPhoto(photoId);
    this.emit('assets', photoId);
  }

  applyModel(news: ModelNews): void {
    this.emit('model', news);
  }

  setConnected(connected: boolean): void {
    if (connected === this.connected) return;
    this.connected = connected;
    this.emit('connection', connected);
  }

  /** Catches up with what happened while no events arrived. */
  async resync(): Promise<void> {
    const { generation } = this;
    const watched = this.activeJobs();
    const [map, queued, running] = await Promise.all([
      this.api.assetMap(),
      this.api.jobs('queued'),
      this.api.jobs('running'),
    ]);
    if (generation !== this.generation) return;
    this.applyBadges(map);
    const current = [...queued, ...running];
    for (const job of current) this.applyJob(job);
    const alive = new Set(current.map((job) => job.id));
    for (const job of watched) {
      if (alive.has(job.id)) continue;
      const latest = await this.api.job(job.id);
      if (generation !== this.generation) return;
      this.applyJob(latest);
    }
  }

  private async loadPage(): Promise<void> {
    const generation = this.generation;
    const page = await this.api.photos(this.cursor);
    if (generation !== this.generation) return;
    const added = page.items.filter((photo) => !this.listed.has(photo.id));
    for (const photo of page.items) this.remember(photo);
    for (const { id } of added) {
      this.listed.add(id);
      this.order.push(id);
    }
    this.cursor = page.next_cursor;
    this.reachedEnd = page.next_cursor === null;
    this.emit('list', { added, reset: false });
  }

  private remember(photo: Photo): void {
    this.photos.set(photo.id, photo);
    if (photo.job && supersedes(photo.job, this.jobs.get(photo.job.id))) {
      this.jobs.set(photo.job.id, photo.job);
    }
  }

  private merge(detail: PhotoDetail): void {
    const kinds = new Set(detail.assets.map((asset) => asset.kind));
    const badges = {
      depth: detail.badges.depth || kinds.has('depth'),
      splat: detail.badges.splat || kinds.has('splat'),
    };
    this.remember({ ...detail, badges });
    this.emit('photo', detail.id);
  }

  private showOnPhoto(job: Job): void {
    const photo = this.photos.get(job.photo_id);
    if (!photo || job.kind === 'convert') return;
    const shown = photo.job;
    if (isActive(job) || job.state === 'failed') {
      const busyWithAnother = isActive(shown) && shown.id !== job.id && !isActive(job);
      if (!busyWithAnother) photo.job = job;
    } else if (shown?.id === job.id || !isActive(shown)) {
      photo.job = null;
    }
    if (job.state === 'succeeded' && job.kind in photo.badges) {
      photo.badges = { ...photo.badges, [job.kind]: true };
    }
    this.emit('photo', photo.id);
  }

  private applyBadges(map: AssetMap): void {
    for (const photo of this.photos.values()) {
      const made = map[photo.id];
      // What is opened without being listed, as from an album, may be missing here though it has something.
      if (!made && !this.listed.has(photo.id)) continue;
      const badges = { depth: Boolean(made?.depth?.length), splat: Boolean(made?.splat?.length) };
      if (badges.depth === photo.badges.depth && badges.splat === photo.badges.splat) continue;
      photo.badges = badges;
      this.emit('photo', photo.id);
    }
  }
}
