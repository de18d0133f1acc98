import type { Api } from '../api/client';
import type { AssetFile, Job, PhotoDetail } from '../api/schema';
import { assetTitle, formatUse } from '../catalog';
import type { Look } from '../settings/look';
import { isActive } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { explainError, explainJob } from '../ui/errors';
import { ProgressBar } from '../ui/progress';
import { bytesWords, percent } from '../ui/words';
import { bestAsset } from './modes';
import { Popup, popupAction, popupLink } from './popup';

const t = texts.files;

/** The menu with the files of a photo, and with formats that can be made of its splats. */
export class Downloads {
  readonly popup: Popup;
  private photo: PhotoDetail | null = null;
  /** Format → the job that makes it, or what went wrong. */
  private readonly conversions = new Map<string, Job | string>();

  constructor(
    private readonly api: Api,
    private readonly formats: () => string[],
    private readonly mayHaveOriginal: () => boolean,
    private readonly onJob: (job: Job) => void,
  ) {
    this.popup = new Popup('download', t.download, `${t.download} (L)`, () => this.fill());
  }

  setPhoto(photo: PhotoDetail): void {
    if (photo.id !== this.photo?.id) this.conversions.clear();
    this.photo = photo;
    this.deliver();
    if (this.popup.open) this.fill();
  }

  /** Follows a conversion that was asked for here. */
  follow(job: Job): void {
    for (const [format, known] of this.conversions) {
      if (typeof known === 'string' || known.id !== job.id) continue;
      this.conversions.set(format, explainJob(job)?.title ?? job);
      if (job.state === 'cancelled') this.conversions.delete(format);
    }
    if (this.popup.open) this.fill();
  }

  private fill(): void {
    const { photo } = this;
    if (!photo) return;
    const groups = photo.assets.flatMap((asset) => [
      el('p', { class: 'popup-heading' }, assetTitle(asset.kind)),
      ...asset.files.map((file) => this.link(file)),
    ]);
    const original = popupLink('download', t.photo, photo.name, this.api.url(photo.original));
    original.setAttribute('download', photo.name);
    this.popup.replace(
      ...(this.mayHaveOriginal() ? [original] : []),
      ...groups,
      ...this.convertRows(photo),
    );
  }

  private link(file: AssetFile): HTMLElement {
    const format = file.format.toUpperCase();
    const label = file.role === 'splat' ? format : (t.roles[file.role] ?? file.role);
    const note = file.role === 'splat' ? '' : `${format}, `;
    const size = note + bytesWords(file.size);
    const link = popupLink(
      'download',
      file.variant === 'light' ? t.light(label) : label,
      size,
      this.address(file),
    );
    link.setAttribute('download', file.download_name);
    return link;
  }

  private address(file: AssetFile): string {
    return `${this.api.url(file.url)}?download=1`;
  }

  private convertRows(photo: PhotoDetail): HTMLElement[] {
    const asset = bestAsset(photo.assets, 'splat');
    if (!asset) return [];
    const missing = this.formats().filter((format) => !full(asset.files, format));
    if (missing.length === 0) return [];
    return [
      el('p', { class: 'popup-heading' }, t.convert),
      ...missing.map((format) => this.convertRow(photo, format, asset.model_key)),
    ];
  }

  private convertRow(photo: PhotoDetail, format: string, model: string): HTMLElement {
    const state = this.conversions.get(format);
    if (state && typeof state !== 'string' && state.state !== 'failed') {
      const bar = new ProgressBar(t.converting(format.toUpperCase()));
      bar.set(isActive(state) ? percent(state) : 100);
      const words = el('span', { class: 'popup-label' }, `${t.converting(format.toUpperCase())}…`);
      return el('div', { class: 'popup-item is-busy' }, words, bar.element);
    }
    const note = typeof state === 'string' ? state : formatUse(format);
    const row = popupAction('redo', format.toUpperCase(), note, () => {
      void this.convert(photo.id, format, model);
    });
    row.classList.toggle('is-failed', typeof state === 'string');
    return row;
  }

  private async convert(photoId: string, format: string, model: string): Promise<void> {
    try {
      const job = await this.api.makeOf('photo', photoId, 'splat/convert', { format, model });
      this.conversions.set(format, job);
      this.onJob(job);
    } catch (error) {
      const { title, advice } = explainError(error);
      this.conversions.set(format, `${title} ${advice}`);
    }
    this.fill();
  }

  /** Starts the download of every conversion whose file has arrived. */
  private deliver(): void {
    const files = (this.photo && bestAsset(this.photo.assets, 'splat'))?.files ?? [];
    for (const [format, job] of this.conversions) {
      const file = full(files, format);
      if (typeof job === 'string' || !file) continue;
      this.conversions.delete(format);
      const link = el('a', { href: this.address(file), download: file.download_name });
      link.click();
    }
  }
}

function full(files: AssetFile[], format: string): AssetFile | undefined {
  return files.find(
    (file) => file.role === 'splat' && file.format === format && file.variant !== 'light',
  );
}

/** The formats that may be made, those that somebody wants first; others stay to be had. */
export function formatsFor(formats: string[], { gaussianSplat }: Look): string[] {
  const wanted = gaussianSplat.formats.filter((one) => formats.includes(one));
  return [...wanted, ...formats.filter((one) => !wanted.includes(one))];
}
