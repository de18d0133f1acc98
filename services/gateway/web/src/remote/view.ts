import type { SourceCamera } from '../api/schema';
import { PASSING, RETRY_MS } from '../live-page/retrying';
import type { Socket } from '../live-page/stream';
import { fitFrame } from '../render/framing';
import { Leaning, WIDEST_YAW } from '../render/leaning';
import { type Leant, Rig } from '../render/rig';
import { poseFrom } from './pose';
import type { Picture, Ready, Wanted } from './protocol';
import { RemoteStream } from './stream';

/** Tries again, one after the other and without a picture, before the server is given up: the device may draw. */
const RETRIES = 2;
const UNSHOWN_MS = 15_000;
/** A first picture that has not come by then will not. */
const FIRST_PICTURE_MS = 120_000;

export interface RemoteOptions {
  sways: boolean;
  /** Where the viewer was when something else drew; null for at rest. */
  from: Leant | null;
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
  private giveUp = 0;
  /** Until a session may be tried again; 0 for at once. */
  private pause = 0;
  private isAskedFor = false;
  private isShown = false;
  private isOver = false;

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
    if (options.from) this.leaning.rig.stand(options.from);
    this.giveUp = window.setTimeout(() => this.options.onOver('no_worker'), FIRST_PICTURE_MS);
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

  /** Where the viewer is. */
  get leant(): Leant {
    return this.leaning.rig.leant;
  }

  /** What is not shown for a while takes no worker's time: it is connected again when it is. from: as at first. */
  show(isShown: boolean, from: Leant | null = null): void {
    this.isShown = isShown;
    this.leaning.show(isShown);
    if (from) this.leaning.rig.stand(from);
    if (isShown) this.invalidate();
    this.leaveUnlessWanted();
  }

  dispose(): void {
    this.isOver = true;
    this.leaning.show(false);
    for (const timer of [this.leaving, this.giveUp, this.pause]) window.clearTimeout(timer);
    cancelAnimationFrame(this.scheduled);
    this.resizes.disconnect();
    this.disconnect();
    this.shown?.close();
    this.shown = null;
  }

  /** Whether a picture is of use: while it is seen, and the first one before that. */
  private get isWanted(): boolean {
    return !this.isOver && (this.isShown || !this.shown);
  }

  private leaveUnlessWanted(): void {
    window.clearTimeout(this.leaving);
    if (this.isWanted) return;
    this.leaving = window.setTimeout(() => this.disconnect(), UNSHOWN_MS);
  }

  private connect(): void {
    const stream = new RemoteStream(this.open(), this.wanted, {
      ready: (ready) => this.begin(ready),
      picture: (picture, bytes, lean) => void this.take(stream, picture, bytes, lean),
      over: (code) => this.ended(code),
    });
    this.stream = stream;
    this.newest = 0;
  }

  /** What ends a session that has shown something ends nothing: the next movement begins another, a while later. */
  private ended(code: string): void {
    this.disconnect();
    this.failures += 1;
    const mayCome = this.shown !== null || code === 'offline' || PASSING.has(code);
    if (!mayCome || this.failures > RETRIES) {
      this.options.onOver(code);
      return;
    }
    window.clearTimeout(this.pause);
    this.pause = window.setTimeout(() => {
      this.pause = 0;
      if (this.isAskedFor || !this.shown) this.invalidate();
    }, RETRY_MS * this.failures);
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
    if (!this.isWanted) return;
    const frame = this.frame();
    this.isAskedFor = this.pause !== 0;
    if (this.isAskedFor) return;
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

  private async take(
    stream: RemoteStream,
    picture: Picture,
    bytes: number,
    lean: number,
  ): Promise<void> {
    const bitmap = await bitmapOf(picture);
    if (!bitmap) {
      if (stream === this.stream) this.ended('unreadable');
      return;
    }
    // Meanwhile this may be over, hidden, or another session begun, whose pictures count anew.
    const isLate = this.stream !== null && stream !== this.stream;
    if (!this.ready || !this.isWanted || isLate || picture.seq < this.newest) {
      bitmap.close();
      return;
    }
    this.newest = picture.seq;
    this.failures = 0;
    window.clearTimeout(this.giveUp);
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
    this.leaveUnlessWanted();
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

/** Null for what is no picture. */
async function bitmapOf({ data }: Picture): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(new Blob([data], { type: 'image/jpeg' }));
  } catch {
    return null;
  }
}
