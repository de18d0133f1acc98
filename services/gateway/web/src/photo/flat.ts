import type { Api } from '../api/client';
import type { Photo } from '../api/schema';
import { el } from '../ui/dom';
import {
  AT_REST,
  closeUp,
  type Frame,
  mostOf,
  type Point,
  panBy,
  scaleOfPixels,
  type Zoom,
  zoomAt,
} from './zooming';

interface FlatEvents {
  /** The sharp picture did not come. */
  noPicture(): void;
}

/** The photo itself: a thumbnail at once, then the sharp picture, then the original where one looks that closely. */
export class FlatPicture {
  readonly ambience = el('canvas', { class: 'ambience', 'aria-hidden': 'true' });
  /** What is seen of the photo where 3D leaves a gap. */
  private readonly soft = el('canvas', { class: 'soft', 'aria-hidden': 'true' });
  image = el('img', { class: 'flat', alt: '' });
  /** Settles when the sharp picture is there, never will be, or is not wanted any more: until then nothing else is loaded. */
  sharp: Promise<void> = Promise.resolve();
  private photo: Photo | null = null;
  private visit: AbortSignal = AbortSignal.abort();
  private hasPreview = false;
  private hasOriginal = false;
  private askedForOriginal = false;
  private zoom: Zoom = AT_REST;

  constructor(
    private readonly api: Api,
    private readonly stage: HTMLElement,
    private readonly events: FlatEvents,
  ) {
    stage.append(this.ambience, this.soft, this.image);
    new ResizeObserver(() => this.place()).observe(stage);
  }

  get isZoomed(): boolean {
    return this.zoom.scale > 1.001;
  }

  /** Shows another photo, until the signal says that one has left it. */
  open(photo: Photo, signal: AbortSignal): void {
    this.photo = photo;
    this.visit = signal;
    this.askedForOriginal = false;
    const src = this.api.thumbnailUrl(photo);
    const image = el('img', { class: 'flat', alt: photo.name, src, draggable: 'false' });
    this.image.replaceWith(image);
    this.image = image;
    this.show(AT_REST);
    image.addEventListener('load', () => void this.paintAmbience(image), { once: true });
    image.addEventListener('load', () => {
      image.hidden = false;
      this.place();
    });
    // Words say that there is no picture, better than the browser's own sign of it.
    image.addEventListener('error', () => {
      image.hidden = true;
    });
    this.loadPreview(photo, signal);
  }

  /** Tries again where the sharp picture did not come. */
  retry(): void {
    if (this.photo && !this.hasPreview) this.loadPreview(this.photo, this.visit);
  }

  /** at: a point of the stage, or its middle. */
  zoomBy(factor: number, at: Point = this.middle): void {
    this.show(zoomAt(this.zoom, factor, at, this.frame, mostOf(this.pixels)));
  }

  panBy(dx: number, dy: number): void {
    if (this.isZoomed) this.show(panBy(this.zoom, dx, dy, this.frame));
  }

  /** Comes as near as the original's pixels, or goes back. */
  toggleZoom(at: Point = this.middle): void {
    if (this.isZoomed) this.resetZoom();
    else this.zoomBy(closeUp(this.pixels), at);
  }

  resetZoom(): void {
    this.show(AT_REST);
  }

  /** Copies the picture as it is, with all its pixels. */
  copyTo(target: HTMLCanvasElement): void {
    target.width = this.image.naturalWidth;
    target.height = this.image.naturalHeight;
    target.getContext('2d')?.drawImage(this.image, 0, 0);
  }

  private get middle(): Point {
    return { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 };
  }

  /** Where the picture lies at rest, as `object-fit: contain` puts it. */
  private get frame(): Frame {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const { naturalWidth, naturalHeight } = this.image;
    const scale = Math.min(width / (naturalWidth || width), height / (naturalHeight || height));
    const inset = (whole: number, part: number) =>
      Math.max((whole - (part || whole) * scale) / 2, 0);
    return {
      width,
      height,
      beside: inset(width, naturalWidth),
      above: inset(height, naturalHeight),
    };
  }

  private get pixels(): number {
    const width = this.photo?.width || this.image.naturalWidth;
    return scaleOfPixels(width, this.frame, devicePixelRatio);
  }

  private show(zoom: Zoom): void {
    this.zoom = zoom;
    const { scale, x, y } = zoom;
    this.image.style.transform = this.isZoomed ? `translate(${x}px, ${y}px) scale(${scale})` : '';
    this.stage.classList.toggle('is-zoomed', this.isZoomed);
    if (this.isZoomed) document.body.dataset.zoom = scale.toFixed(2);
    else delete document.body.dataset.zoom;
    if (this.isZoomed && this.lacksPixels(scale)) void this.loadOriginal();
  }

  /** Whether more can be seen in the original than in what is shown. */
  private lacksPixels(scale: number): boolean {
    const { naturalWidth } = this.image;
    const width = this.photo?.width ?? 0;
    const shown = (this.frame.width - 2 * this.frame.beside) * devicePixelRatio * scale;
    return width > naturalWidth && shown > naturalWidth;
  }

  /** The thumbnail stands in until the sharp picture is decoded. */
  private loadPreview(photo: Photo, signal: AbortSignal): void {
    const { image } = this;
    this.hasPreview = this.hasOriginal = false;
    const preview = new Image();
    preview.fetchPriority = 'high';
    preview.src = this.api.previewUrl(photo.id);
    const decoded = preview.decode().then(
      () => {
        if (signal.aborted) return;
        this.hasPreview = true;
        if (!this.hasOriginal) image.src = preview.src;
      },
      () => {
        if (!signal.aborted) this.events.noPicture();
      },
    );
    const left = new Promise<void>((resolve) => {
      const stop = () => {
        preview.src = ''; // what nobody looks at any more does not keep the line
        resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
    });
    this.sharp = Promise.race([decoded, left]);
  }

  /** What a browser cannot show, as HEIC, or may not have, stays as it is. */
  private async loadOriginal(): Promise<void> {
    const { photo, visit, image } = this;
    if (!photo || this.askedForOriginal) return;
    this.askedForOriginal = true;
    const original = new Image();
    original.src = this.api.url(photo.original);
    visit.addEventListener('abort', () => (original.src = ''), { once: true });
    try {
      await original.decode();
    } catch {
      return;
    }
    if (visit.aborted) return;
    this.hasOriginal = true;
    image.src = original.src;
    await image.decode().catch(() => {});
    document.body.dataset.pixels = 'original';
  }

  /** Tells the styles where the photo's frame is, which stays while what is in it moves. */
  private place(): void {
    if (!this.image.naturalWidth || !this.stage.clientWidth) return;
    const { beside, above } = this.frame;
    this.stage.style.setProperty('--beside', `${beside}px`);
    this.stage.style.setProperty('--above', `${above}px`);
    if (this.isZoomed) this.show(panBy(this.zoom, 0, 0, this.frame));
  }

  /** Where what paints it cannot be read, nothing lies around the photo. */
  private async paintAmbience(image: HTMLImageElement): Promise<void> {
    const paints = await import('../ui/ambience').catch(() => null);
    if (image !== this.image) return;
    paints?.paintAmbience(this.ambience, image);
    paints?.paintSoft(this.soft, image);
  }
}
