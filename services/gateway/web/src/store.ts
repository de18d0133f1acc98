import type { Api } from './api/client';
import type {
  Asset,
  AssetMap,
  Config,
  Job,
  LibraryNews,
  ModelNews,
  Photo,
  PhotoDetail,
  Share,
  Video,
} from './api/schema';
import { addsFiles, madeBy } from './catalog';
import { Emitter } from './emitter';
import { Selection } from './grid/selection';

interface StoreEvents {
  /** More is known of what lies beside a photo, or everything was forgotten. */
  list: { reset: boolean };
  library: LibraryChange;
  /** The entry of this photo changed (badges, job). */
  photo: string;
  job: Job;
  /** What was made for this photo changed: an asset is new, or they should all be read again. */
  assets: { photoId: string; asset: Asset | null };
  /** A model changed: what is told live, or its key where only a job about it changed. */
  model: ModelNews | string;
  /** What was made of this video changed. */
  video: string;
  /** Videos came, changed or went in the library. */
  videos: null;
  connection: boolean;
}

/** The photos of a list that one of them was opened from, in order. */
export interface Trail {
  /** The next photo, or the one before; undefined where there is none, or none is known yet. */
  neighbour(id: string, direction: 1 | -1): string | undefined;
  /** Reads what lies beside a photo, where that is not known yet. */
  prepare(photo: Pick<Photo, 'id' | 'taken_at'>): Promise<void>;
}

/** What came or changed in the library, and what is gone; all: more than is named, or nobody knows what. */
export interface LibraryChange {
  there: (Photo | Video)[];
  gone: { kind: string; id: string }[];
  all: boolean;
}

const FINAL = new Set(['succeeded', 'failed', 'cancelled']);

const SHOWN_HERE = new Set(['video', 'scene']);

/** Whether a job makes something of a photo, a video or a scene; others are about models or live sessions. */
const isOfLibrary = (job: Job): boolean =>
  job.photo_id !== '' || SHOWN_HERE.has(job.source?.kind ?? '');

export const isFinal = (job: Job): boolean => FINAL.has(job.state);
type ActiveJob = Job & { state: 'queued' | 'running' };

export const isActive = (job: Job | null): job is ActiveJob => job !== null && !isFinal(job);

/** The job that matters on a photo: one that runs, or one that failed and left nothing. */
export function jobToShow(photo: Pick<Photo, 'job' | 'badges'>): Job | null {
  const { job, badges } = photo;
  if (!job || isActive(job)) return job;
  return job.state === 'failed' && !badges[madeBy(job.kind) ?? ''] ? job : null;
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
  /** Photos that are told of wherever the whole library is, as by the badges of all. */
  private readonly listed = new Set<string>();
  /** Photos and keys of assets that have come with what they are, since the connection stands. */
  private readonly told = new Set<string>();
  /** Of a page that belongs to a share link: what it allows. Nothing is made or changed there. */
  share: Share | null = null;
  /** The list that photos are opened from. */
  trail: Trail | null = null;
  /** What is chosen of what is listed. */
  readonly selection = new Selection();
  /** Photos whose 3D was only guessed. */
  readonly rough = new Set<string>();
  private generation = 0;

  constructor(private readonly api: Api) {
    super();
  }

  activeJobs(): Job[] {
    return [...this.jobs.values()].filter(isActive);
  }

  /** Forgets everything, for another person or after signing out. */
  reset(): void {
    this.generation += 1;
    this.photos.clear();
    this.jobs.clear();
    this.trail = null;
    this.selection.clear();
    this.rough.clear();
    this.listed.clear();
    this.emit('list', { reset: true });
  }

  /** What is known of a photo, and whether its 3D is rough, for its tile. */
  shown(id: string): (Photo & { rough: boolean }) | undefined {
    const photo = this.photos.get(id);
    return photo && { ...photo, rough: this.rough.has(id) };
  }

  /** Takes in what a list tells of photos. isWhole: whether that is the whole library, not an album or a search. */
  meet(items: (Photo | Video)[], isWhole = false): void {
    for (const item of items) {
      if (item.kind === 'photo') this.remember(item);
      else if (item.job) this.applyJob(item.job);
      if (isWhole && item.kind === 'photo') this.listed.add(item.id);
    }
    this.emit('list', { reset: false });
  }

  async openPhoto(id: string): Promise<PhotoDetail> {
    const { generation } = this;
    const detail = await this.api.photo(id);
    if (generation === this.generation) this.merge(detail);
    return detail;
  }

  /** Takes a job in, unless something newer is known already. */
  applyJob(job: Job): void {
    if (!isOfLibrary(job)) {
      if (job.source === null && typeof job.params.model === 'string')
        this.emit('model', job.params.model);
      return;
    }
    const known = this.jobs.get(job.id);
    if (!supersedes(job, known)) return;
    const justEnded = isFinal(job) && (!known || !isFinal(known) || known.run !== job.run);
    this.jobs.set(job.id, job);
    this.showOnPhoto(job);
    this.emit('job', job);
    if (job.state !== 'succeeded' || !justEnded || job.photo_id === '') return;
    const told = job.outputs.filter((key) => this.told.delete(`${job.photo_id} ${key}`));
    if (told.length === 0 || told.length < job.outputs.length)
      this.emit('assets', { photoId: job.photo_id, asset: null });
  }

  /** Something was made for this photo. */
  applyAsset(photoId: string, asset: Asset): void {
    this.told.add(`${photoId} ${asset.key}`);
    if (asset.kind === 'splat') {
      const hasBetter = this.photos.get(photoId)?.badges.splat && !this.rough.has(photoId);
      if (!hasBetter) this.showRough(photoId, [asset.model_key]);
    }
    this.showBadge(photoId, asset.kind);
    this.emit('assets', { photoId, asset });
  }

  /** Something was made for this photo, nobody has said what. */
  readAgain(photoId: string): void {
    this.emit('assets', { photoId, asset: null });
  }

  /** A photo was marked as a favourite, or not any more. */
  applyFavourite(photoId: string, favorite: boolean): void {
    const photo = this.photos.get(photoId);
    if (!photo) return;
    this.photos.set(photoId, { ...photo, favorite });
    this.emit('photo', photoId);
  }

  /** Something that was made for this photo is gone: what it still has is read again. */
  async dropAsset(photoId: string): Promise<void> {
    if (!this.photos.has(photoId)) return;
    await this.openPhoto(photoId);
    this.emit('assets', { photoId, asset: null });
  }

  /** Something was made of this video, or is gone. */
  applyVideo(id: string): void {
    this.emit('video', id);
  }

  videosChanged(): void {
    this.emit('videos', null);
  }

  applyModel(news: ModelNews): void {
    this.emit('model', news);
  }

  setConnected(connected: boolean): void {
    if (connected === this.connected) return;
    this.connected = connected;
    this.told.clear();
    this.emit('connection', connected);
  }

  /** Takes in what came, changed and went in the library. */
  applyLibrary({ there, gone }: Pick<LibraryNews, 'there' | 'gone'>): void {
    if ([...there, ...gone].some(({ kind }) => kind === 'video')) this.videosChanged();
    for (const { kind, id } of gone) if (kind === 'photo') this.photos.delete(id);
    for (const item of there) {
      if (item.kind !== 'photo' || !this.photos.has(item.id)) continue;
      this.remember(item);
      this.emit('photo', item.id);
    }
    this.emit('library', { there, gone, all: false });
  }

  /** More changed than can be told, or nobody knows what. */
  rereadLibrary(): void {
    this.emit('library', { there: [], gone: [], all: true });
  }

  /** Takes in the jobs that go on: after a reload nobody has told of those that are not about listed photos. */
  async readJobs(): Promise<void> {
    const { generation } = this;
    const found = await Promise.all([this.api.jobs('queued'), this.api.jobs('running')]);
    if (generation !== this.generation) return;
    for (const job of found.flat()) this.applyJob(job);
  }

  async resync(): Promise<void> {
    const { generation } = this;
    this.rereadLibrary();
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

  private remember(photo: Photo): void {
    this.photos.set(photo.id, photo);
    if (photo.job && supersedes(photo.job, this.jobs.get(photo.job.id))) {
      this.jobs.set(photo.job.id, photo.job);
    }
  }

  private merge(detail: PhotoDetail): void {
    const made = detail.assets.map((asset) => [asset.kind, true]);
    this.remember({ ...detail, badges: { ...detail.badges, ...Object.fromEntries(made) } });
    this.emit('photo', detail.id);
  }

  private showOnPhoto(job: Job): void {
    const photo = this.photos.get(job.photo_id);
    if (!photo || addsFiles(job.kind)) return;
    const shown = photo.job;
    if (isActive(job) || job.state === 'failed') {
      const busyWithAnother = isActive(shown) && shown.id !== job.id && !isActive(job);
      if (!busyWithAnother) photo.job = job;
    } else if (shown?.id === job.id || !isActive(shown)) {
      photo.job = null;
    }
    const made = madeBy(job.kind);
    if (job.state === 'succeeded' && made) photo.badges = { ...photo.badges, [made]: true };
    this.emit('photo', photo.id);
  }

  /** Remembers whether all the 3D that a photo has was guessed without a network. */
  private showRough(id: string, models: string[]): void {
    const isRough = models.length > 0 && models.every((key) => key === 'lift-heuristic');
    if (isRough === this.rough.has(id)) return;
    if (isRough) this.rough.add(id);
    else this.rough.delete(id);
    this.emit('photo', id);
  }

  private showBadge(photoId: string, kind: string): void {
    const photo = this.photos.get(photoId);
    if (!photo || photo.badges[kind]) return;
    photo.badges = { ...photo.badges, [kind]: true };
    this.emit('photo', photoId);
  }

  private applyBadges(map: AssetMap): void {
    for (const photo of this.photos.values()) {
      const made = map[photo.id];
      // What is opened without being listed, as from an album, may be missing here though it has something.
      if (!made && !this.listed.has(photo.id)) continue;
      const kinds = [...new Set([...Object.keys(photo.badges), ...Object.keys(made ?? {})])];
      const badges = Object.fromEntries(kinds.map((kind) => [kind, Boolean(made?.[kind]?.length)]));
      this.showRough(photo.id, made?.splat ?? []);
      if (kinds.every((kind) => badges[kind] === Boolean(photo.badges[kind]))) continue;
      photo.badges = badges;
      this.emit('photo', photo.id);
    }
  }
}
