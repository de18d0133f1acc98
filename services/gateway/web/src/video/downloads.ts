import type { Api } from '../api/client';
import type { Asset, AssetFile, Job, VideoDetail } from '../api/schema';
import { assetTitle } from '../catalog';
import { Popup, popupAction, popupLink } from '../photo/popup';
import { isActive } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { explainError, explainJob } from '../ui/errors';
import { ProgressBar } from '../ui/progress';
import { bytesWords, percent } from '../ui/words';
import { bestDepth } from './assets';

const t = texts.files;

/** Ways that two views are laid beside one another for players that show stereo. */
const SCREENS = ['full-sbs', 'half-sbs', 'over-under'];

/** The menu with the files of a video, and with stereo that is made when it is asked for. */
export class VideoDownloads {
  readonly popup: Popup;
  private video: VideoDetail | null = null;
  /** Layout → the job that makes it, or what went wrong. */
  private readonly orders = new Map<string, Job | string>();

  constructor(
    private readonly api: Api,
    private readonly rights: { original(): boolean; make(): boolean },
    private readonly onJob: (job: Job) => void,
  ) {
    this.popup = new Popup(
      'download',
      t.download,
      t.download,
      () => this.fill(),
      'popup-download-video',
    );
  }

  setVideo(video: VideoDetail): void {
    if (video.id !== this.video?.id) this.orders.clear();
    this.video = video;
    this.deliver(video);
    if (this.popup.open) this.fill();
  }

  /** Follows what was asked for here. */
  follow(job: Job): void {
    for (const [layout, known] of this.orders) {
      if (typeof known === 'string' || known.id !== job.id) continue;
      this.orders.set(layout, explainJob(job)?.title ?? job);
      if (job.state === 'cancelled') this.orders.delete(layout);
    }
    if (this.popup.open) this.fill();
  }

  private fill(): void {
    const { video } = this;
    if (!video) return;
    const original = popupLink(
      'download',
      t.video,
      video.name,
      this.api.url(`${video.original}?download=1`),
    );
    original.setAttribute('download', video.name);
    this.popup.replace(
      ...(this.rights.original() ? [original] : []),
      ...video.assets.flatMap((asset) => this.group(asset)),
      ...this.stereoRows(video),
    );
  }

  private group(asset: Asset): HTMLElement[] {
    return [
      el('p', { class: 'popup-heading' }, assetTitle(asset.kind)),
      ...asset.files.map((file) => this.link(file)),
    ];
  }

  private link(file: AssetFile): HTMLElement {
    const layout =
      file.role === 'stereo' ? t.layouts[file.variant.split('.')[0] ?? '']?.[0] : undefined;
    const label = layout ?? t.roles[file.role] ?? file.role;
    const note = `${file.format.toUpperCase()}, ${bytesWords(file.size)}`;
    const link = popupLink('download', label, note, this.address(file));
    link.setAttribute('download', file.download_name);
    return link;
  }

  private address(file: AssetFile): string {
    return `${this.api.url(file.url)}?download=1`;
  }

  private stereoRows(video: VideoDetail): HTMLElement[] {
    const depth = bestDepth(video.assets);
    if (!depth || !this.rights.make()) return [];
    const missing = SCREENS.filter((layout) => !stereoFile(depth, layout));
    if (missing.length === 0) return [];
    return [
      el('p', { class: 'popup-heading' }, t.stereo),
      ...missing.map((layout) => this.stereoRow(video.id, layout)),
    ];
  }

  private stereoRow(id: string, layout: string): HTMLElement {
    const [label, note] = t.layouts[layout] ?? [layout, ''];
    const state = this.orders.get(layout);
    if (state && typeof state !== 'string' && state.state !== 'failed') {
      const bar = new ProgressBar(t.makingStereo(label));
      bar.set(isActive(state) ? percent(state) : 100);
      const words = el('span', { class: 'popup-label' }, `${label}…`);
      return el('div', { class: 'popup-item is-busy' }, words, bar.element);
    }
    const failed = typeof state === 'string';
    const row = popupAction(
      'redo',
      label,
      failed ? state : note,
      () => void this.order(id, layout),
    );
    row.classList.toggle('is-failed', failed);
    return row;
  }

  private async order(id: string, layout: string): Promise<void> {
    try {
      const job = await this.api.makeOf('video', id, 'stereo', { layout });
      this.orders.set(layout, job);
      this.onJob(job);
    } catch (error) {
      const { title, advice } = explainError(error);
      this.orders.set(layout, `${title} ${advice}`);
    }
    this.fill();
  }

  /** Starts the download of everything asked for whose file has arrived. */
  private deliver(video: VideoDetail): void {
    const depth = bestDepth(video.assets);
    for (const [layout, job] of this.orders) {
      const file = depth && stereoFile(depth, layout);
      if (typeof job === 'string' || !file) continue;
      this.orders.delete(layout);
      el('a', { href: this.address(file), download: file.download_name }).click();
    }
  }
}

const stereoFile = (depth: Asset, layout: string): AssetFile | undefined =>
  depth.files.find((file) => file.role === 'stereo' && file.variant === layout);
