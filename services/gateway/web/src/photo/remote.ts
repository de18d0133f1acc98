import type { Api } from '../api/client';
import type { Asset, SourceCamera } from '../api/schema';
import type { Socket } from '../live-page/stream';
import type { Figures, RemoteView } from '../remote/view';
import type { Leant } from '../render/rig';
import { el } from '../ui/dom';
import { versionOf } from './modes';

export interface RemoteEvents {
  /** A picture is there. lean: as of the viewport. */
  picture(lean: number, figures: Figures): void;
  /** The server has stopped drawing, or never began. */
  over(code: string): void;
}

/** One photo's splat as the server draws it, on a canvas of its own. */
export class RemoteSplat {
  /** Which splat is to be seen here; null until its first picture is there. */
  version: string | null = null;
  private canvas: HTMLCanvasElement | null = null;
  private view: RemoteView | null = null;
  private closing = new AbortController();

  constructor(
    private readonly api: Api,
    private readonly place: (canvas: HTMLCanvasElement) => void,
    private readonly events: RemoteEvents,
  ) {}

  /** Resolves once its first picture is there, or it is clear that none will come, or it is closed, or `signal` says so. */
  async open(
    photoId: string,
    asset: Asset,
    camera: SourceCamera,
    options: { trust: number; sways: boolean; from: Leant | null },
    signal: AbortSignal,
  ): Promise<void> {
    this.close();
    const over = AbortSignal.any([signal, this.closing.signal]);
    const { RemoteView } = await import('../remote/view');
    if (over.aborted) return;
    const canvas = el('canvas', { class: 'deep is-remote is-away', role: 'img' });
    this.canvas = canvas;
    this.place(canvas);
    await new Promise<void>((resolve) => {
      over.addEventListener('abort', () => resolve(), { once: true });
      this.view = new RemoteView(
        canvas,
        () => new WebSocket(this.address()) as Socket,
        { place: 'photos', id: photoId, asset: asset.key },
        camera,
        options.trust,
        {
          sways: options.sways,
          from: options.from,
          onPicture: (lean, figures) => {
            this.version = versionOf(asset);
            resolve();
            this.events.picture(lean, figures);
          },
          onOver: (code) => {
            resolve();
            this.events.over(code);
          },
        },
      );
    });
  }

  /** Where the viewer is; null where nobody looks. */
  get leant(): Leant | null {
    return this.view?.leant ?? null;
  }

  /** from: where the viewer was when something else drew; null for where they are, or at rest. */
  show(isShown: boolean, label = '', from: Leant | null = null): void {
    this.canvas?.setAttribute('aria-label', label);
    this.canvas?.classList.toggle('is-away', !isShown);
    this.view?.show(isShown, from);
  }

  /** Copies the server's last picture. */
  copyTo(target: HTMLCanvasElement): void {
    if (!this.canvas) return;
    target.width = this.canvas.width;
    target.height = this.canvas.height;
    target.getContext('2d')?.drawImage(this.canvas, 0, 0);
  }

  orbitBy(dx: number, dy: number): void {
    this.view?.orbitBy(dx, dy);
  }

  leanTo(x: number, y: number): void {
    this.view?.leanTo(x, y);
  }

  dollyBy(amount: number): void {
    this.view?.dollyBy(amount);
  }

  reset(): void {
    this.view?.reset();
  }

  setSway(on: boolean): void {
    this.view?.setSway(on);
  }

  close(): void {
    this.closing.abort();
    this.closing = new AbortController();
    this.version = null;
    this.view?.dispose();
    this.view = null;
    this.canvas?.remove();
    this.canvas = null;
  }

  private address(): string {
    return this.api.url('/api/stream').replace(/^http/, 'ws');
  }
}
