import type { Api } from '../api/client';
import type { Job, Video, VideoDetail } from '../api/schema';
import { addsFiles, madeBy } from '../catalog';
import { Emitter } from '../emitter';
import { isActive, type Store } from '../store';

interface VideosEvents {
  /** The list has grown, or is another one. */
  list: null;
  /** The entry of this video changed (badges, job). */
  video: string;
}

const PAGE = 60;

/** What is known of the library's videos, newest first. */
export class Videos extends Emitter<VideosEvents> {
  readonly known = new Map<string, Video>();
  order: string[] = [];
  complete = false;
  private cursor: string | null = null;
  private loading: Promise<void> | null = null;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
  ) {
    super();
    store.on('job', (job) => this.takeIn(job));
    store.on('videos', () => void this.reread().catch(() => {}));
    store.on('list', ({ reset }) => reset && this.forget());
  }

  /** Loads the next page; concurrent calls share one request. */
  loadMore(): Promise<void> {
    if (this.complete) return Promise.resolve();
    this.loading ??= this.loadPage().finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  async open(id: string): Promise<VideoDetail> {
    const detail = await this.api.video(id);
    const made = Object.fromEntries(detail.assets.map(({ kind }) => [kind, true]));
    this.remember({ ...detail, badges: { ...detail.badges, ...made } });
    this.emit('video', id);
    return detail;
  }

  neighbour(id: string, direction: 1 | -1): string | undefined {
    const at = this.order.indexOf(id);
    return at < 0 ? undefined : this.order[at + direction];
  }

  /** Reads as much of the list again as was read. */
  private async reread(): Promise<void> {
    if (this.order.length === 0 && !this.complete) return;
    const wanted = Math.max(this.order.length, PAGE);
    const { items, next_cursor } = await this.api.videos(null, Math.min(wanted, 500));
    this.order = items.map(({ id }) => id);
    for (const video of items) this.remember(video);
    this.cursor = next_cursor;
    this.complete = next_cursor === null;
    this.emit('list', null);
  }

  private async loadPage(): Promise<void> {
    const { items, next_cursor } = await this.api.videos(this.cursor, PAGE);
    for (const video of items) {
      if (!this.order.includes(video.id)) this.order.push(video.id);
      this.remember(video);
    }
    this.cursor = next_cursor;
    this.complete = next_cursor === null;
    this.emit('list', null);
  }

  private remember(video: Video): void {
    this.known.set(video.id, video);
    if (video.job) this.store.applyJob(video.job);
  }

  private takeIn(job: Job): void {
    const video = job.source?.kind === 'video' ? this.known.get(job.source.id) : undefined;
    if (!video || addsFiles(job.kind)) return;
    const made = madeBy(job.kind);
    if (isActive(job) || job.state === 'failed') video.job = job;
    else if (video.job?.id === job.id) video.job = null;
    if (job.state === 'succeeded' && made) video.badges = { ...video.badges, [made]: true };
    this.emit('video', video.id);
  }

  private forget(): void {
    this.known.clear();
    this.order = [];
    this.cursor = null;
    this.complete = false;
    this.loading = null;
    this.emit('list', null);
  }
}
