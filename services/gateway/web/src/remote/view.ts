import type { SourceCamera } from '../api/schema';
import type { Socket } from '../live-page/stream';
import { fitFrame } from '../render/framing';
import { Leaning, WIDEST_YAW } from '../render/leaning';
import { Rig } from '../render/rig';
import { poseFrom } from './pose';
import type { Picture, Ready, Wanted } from './protocol';
import { RemoteStream } from './stream';

/** Sessions that end without a picture, one after the other, before the server is given up. */
const RETRIES = 2;
const UNSHOWN_MS = 15_000;

export interface RemoteOptions {
  sways: boolean;
  /** A picture is on the canvas. lean: from where it is seen, as of the viewport. */
  onPicture(lean: number, figures: Figures): void;
  /** The server draws no more; why, as a code. */
  onOver(code: string): void;
}

/** What a picture from the server cost. */
export interface Figures {
  renderer: string;
  gaussians: number;
  reason: string;
  /** From the pose to its picture, in milliseconds. */
  latencyMs: number;
  /** Of that, what the server drew, in milliseconds. */
  renderMs: number;
  bytes: number;
  width: number;
  height: number;
  dropped: number;
}

/** A canvas on which a splat is seen as the server draws it. */
export class RemoteView {
  private readonly leaning: Leaning;
  private stream: RemoteStream | null = null;
  private failures = 0;
  private readonly context: CanvasRenderingContext2D | null;
  private readonly resizes: ResizeObserver;
  private ready: Ready | null = null;
  private shown: ImageBitmap | null = null;
  private newest = 0;
  private scheduled = 0;
  private last = 0;
  private leaving = 0;

  /** trust: how much of the usual lean it bears, 0 to 1. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly open: () => Socket,
    private readonly wanted: Wanted,
    private readonly source: SourceCamera,
    private readonly trust: number,
    private readonly options: RemoteOptions,
  ) {
    this.context = canvas.getContext('2d');
    this.leaning = new Leaning(new Rig(), options.sways, () => this.invalidate());
    this.connect();
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(canvas);
  }

  orbitBy(dx: number, dy: number): void {
    this.leaning.orbitBy(dx, dy);
  }

  leanTo(x: number, y: number): void {
    this.leaning.leanTo(x, y);
  }

  dollyBy(amount: number): void {
    this.leaning.dollyBy(amount);
  }

  reset(): void {
    this.leaning.reset();
  }

  setSway(on: boolean): void {
    this.leaning.setSway(on);
  }

  /** What is not shown for a while takes no worker's time: it is connected again when it is. */
  show(isShown: boolean): void {
    this.leaning.show(isShown);
    window.clearTimeout(this.leaving);
    if (isShown) this.invalidate();
    else this.leaving = window.setTimeout(() => this.disconnect(), UNSHOWN_MS);
  }

  dispose(): void {
    this.leaning.show(false);
    window.clearTimeout(this.leaving);
    cancelAnimationFrame(this.scheduled);
    this.resizes.disconnect();
    this.disconnect();
    this.shown?.close();
    this.shown = null;
  }

  private connect(): void {
    this.stream = new RemoteStream(this.open(), this.wanted, {
      ready: (ready) => this.begin(ready),
      picture: (picture, bytes, lean) => void this.take(picture, bytes, lean),
      over: (code) => this.ended(code),
    });
    this.newest = 0;
  }

  /** What ends a session that has shown something ends nothing: the next movement begins another. */
  private ended(code: string): void {
    this.disconnect();
    this.failures += 1;
    if (!this.shown || this.failures > RETRIES) this.options.onOver(code);
  }

  private disconnect(): void {
    this.stream?.close();
    this.stream = null;
  }

  private begin(ready: Ready): void {
    this.ready = ready;
    const { nearest, focus } = ready;
    this.leaning.rig.setLimits(WIDEST_YAW.splat * this.trust, nearest / focus);
    this.invalidate();
  }

  private invalidate(): void {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame((now) => this.step(now));
  }

  private step(now: number): void {
    this.scheduled = 0;
    const seconds = this.last === 0 ? 0 : (now - this.last) / 1000;
    this.last = now;
    if (this.leaning.rig.step(seconds)) this.invalidate();
    else this.last = 0;
    this.ask();
  }

  private ask(): void {
    const frame = this.frame();
    if (!this.stream) this.connect();
    if (!this.ready || !this.stream || !frame.width) return;
    const { rig, zoom } = this.leaning;
    const pose = poseFrom(rig.position(), this.ready.focus, this.source, frame, zoom);
    this.stream.ask(pose, rig.lean);
  }

  /** Where the photo lies on the canvas at rest. */
  private frame() {
    const { clientWidth, clientHeight } = this.canvas;
    const { scale } = fitFrame(this.source, clientWidth, clientHeight);
    const [width, height] = [this.source.width * scale, this.source.height * scale];
    return { width, height, pixelRatio: devicePixelRatio };
  }

  private async take(picture: Picture, bytes: number, lean: number): Promise<void> {
    const bitmap = await createImageBitmap(new Blob([picture.data], { type: 'image/jpeg' }));
    if (!this.ready || picture.seq < this.newest) return bitmap.close();
    this.newest = picture.seq;
    this.failures = 0;
    this.shown?.close();
    this.shown = bitmap;
    this.draw();
    const { renderer, gaussians, reason = '' } = this.ready;
    const { width, height, dropped, timings } = picture;
    const latencyMs = performance.now() - picture.t;
    const renderMs = (timings.render ?? 0) * 1000;
    const told = {
      renderer,
      gaussians,
      reason,
      latencyMs,
      renderMs,
      bytes,
      width,
      height,
      dropped,
    };
    this.options.onPicture(lean, told);
  }

  private draw(): void {
    const { canvas, shown } = this;
    if (!this.context || !shown) return;
    const ratio = Math.min(devicePixelRatio, 2);
    const [wide, tall] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
    if (canvas.width !== wide || canvas.height !== tall) {
      canvas.width = wide as number;
      canvas.height = tall as number;
    }
    const { width, height } = this.frame();
    const [across, down] = [width * ratio, height * ratio];
    this.context.clearRect(0, 0, canvas.width, canvas.height);
    this.context.drawImage(
      shown,
      (canvas.width - across) / 2,
      (canvas.height - down) / 2,
      across,
      down,
    );
  }

  private resize(): void {
    this.draw();
    this.invalidate();
  }
}
