import type { Api } from '../api/client';
import type { Photo } from '../api/schema';
import { hasWebGl } from '../render/device';
import type { SphereView } from '../render/sphere';
import { texts } from '../texts';
import { decoded } from '../ui/decoding';
import { el } from '../ui/dom';
import { type Crop, cropOf, XMP_WITHIN } from './crop';

/** Whether a photo shows all directions, each at the same scale in degrees: it is looked around in, not lifted. */
export const isAllAround = ({ projection }: Pick<Photo, 'projection'>): boolean =>
  /equirect/i.test(projection ?? '') && !/half/i.test(projection ?? '');

/** As the server has it, which refuses these. */
const NOT_FLAT =
  /equirect|fish.?eye|spher|cube|equi-?angular|stereographic|panini|mollweide|octahedral/i;

/** Whether a photo is one that a pinhole camera sees, of which alone 3D is made; unknown names may be. */
export const isFlat = ({ projection }: Pick<Photo, 'projection'>): boolean =>
  !NOT_FLAT.test(projection ?? '');

/** Which part of all directions a picture of a photo shows, as its file tells, where that may be had. */
export async function cropTold(
  api: Api,
  photo: Pick<Photo, 'original'>,
  signal: AbortSignal,
): Promise<(picture: HTMLImageElement) => Crop> {
  const beginning = await api.beginning(photo.original, XMP_WITHIN, signal).then(
    (bytes) => new TextDecoder('latin1').decode(bytes),
    () => '',
  );
  return ({ naturalWidth, naturalHeight }) => cropOf(beginning, naturalWidth, naturalHeight);
}

/** A photo of all directions, seen from its middle, over its flat picture. */
export class Sphere {
  private view: SphereView | null = null;
  private canvas: HTMLCanvasElement | null = null;

  constructor(
    private readonly api: Api,
    private readonly stage: HTMLElement,
  ) {}

  get isShown(): boolean {
    return this.view !== null;
  }

  /** Shows it once its sharp picture is there, and its own pixels after that. */
  async open(photo: Photo, sharp: Promise<void>, signal: AbortSignal): Promise<void> {
    await sharp;
    if (signal.aborted || !hasWebGl()) return;
    const [preview, cropFor, { SphereView }] = await Promise.all([
      decoded(this.api.previewUrl(photo.id)).catch(() => null),
      cropTold(this.api, photo, signal),
      import('../render/sphere'),
    ]);
    if (signal.aborted || !preview) return;
    const label = texts.sphere.label(photo.name);
    const canvas = el('canvas', { class: 'sphere', role: 'img', 'aria-label': label });
    this.canvas = canvas;
    this.stage.append(canvas);
    const crop = cropFor(preview);
    this.view = new SphereView(canvas, crop, () => {
      document.body.dataset.sphere = 'shown';
    });
    this.view.show(preview);
    const original = await decoded(this.api.url(photo.original)).catch(() => null);
    if (original && !signal.aborted) this.view?.show(original);
  }

  turnBy(dx: number, dy: number): void {
    this.view?.turnBy(dx, dy);
  }

  zoomBy(amount: number): void {
    this.view?.zoomBy(amount);
  }

  reset(): void {
    this.view?.reset();
  }

  close(): void {
    this.view?.dispose();
    this.view = null;
    this.canvas?.remove();
    this.canvas = null;
    delete document.body.dataset.sphere;
  }
}
