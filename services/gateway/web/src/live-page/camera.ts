import { texts } from '../texts';
import { el } from '../ui/dom';

const PREFERRED_WIDTH = 1280;
const CAPTURE_QUALITY = 0.95;
/** The worker takes frames of 4 MB and 4096 pixels at most. */
const LONGEST_CAPTURE = 2048;
const LONGEST_WAIT_MS = 60;

/** A camera or a video file, and frames of it as JPEG. */
export class FrameSource {
  /** Shown small: a video that is not shown gives no frames. */
  readonly video = el('video', { class: 'live-preview', muted: true, playsinline: true });
  private readonly canvas = el('canvas');
  private stream: MediaStream | null = null;
  private url = '';

  constructor() {
    this.video.muted = true;
    this.video.loop = true;
  }

  get isRunning(): boolean {
    return this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !this.video.paused;
  }

  get aspect(): number {
    return this.video.videoWidth / Math.max(1, this.video.videoHeight);
  }

  /** Why there is no camera to be had here; empty where there may be one. */
  static obstacle(): string {
    if (!isSecureContext) {
      return texts.live.insecure;
    }
    if (!navigator.mediaDevices?.getUserMedia) {
      return texts.live.noCamera;
    }
    return '';
  }

  async useCamera(): Promise<void> {
    const video = { width: { ideal: PREFERRED_WIDTH }, facingMode: 'environment' };
    const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    this.stop();
    this.stream = stream;
    this.video.srcObject = stream;
    await this.video.play();
  }

  async useFile(file: Blob): Promise<void> {
    this.stop();
    this.url = URL.createObjectURL(file);
    this.video.src = this.url;
    await this.video.play();
  }

  stop(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.pause();
    this.video.srcObject = null;
    this.video.removeAttribute('src');
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = '';
  }

  /** Calls back once, for the next frame that the video shows, or soon where that is not told. */
  onNextFrame(callback: () => void): void {
    let isOpen = true;
    const once = () => {
      clearTimeout(timer);
      if (isOpen) callback();
      isOpen = false;
    };
    // A page that is busy drawing is told of few of the frames there are.
    const timer = setTimeout(once, LONGEST_WAIT_MS);
    if ('requestVideoFrameCallback' in this.video) this.video.requestVideoFrameCallback(once);
  }

  /** The frame as it is now, with at most `longest` pixels on its longer side. */
  async grab(longest: number, quality: number): Promise<Uint8Array | null> {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth || !videoHeight) return null;
    const scale = Math.min(1, longest / Math.max(videoWidth, videoHeight));
    this.canvas.width = Math.max(1, Math.round(videoWidth * scale));
    this.canvas.height = Math.max(1, Math.round(videoHeight * scale));
    const context = this.canvas.getContext('2d', { alpha: false });
    context?.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => {
      this.canvas.toBlob(resolve, 'image/jpeg', quality);
    });
    return blob && new Uint8Array(await blob.arrayBuffer());
  }

  grabBest(): Promise<Uint8Array | null> {
    return this.grab(LONGEST_CAPTURE, CAPTURE_QUALITY);
  }
}
