import * as THREE from 'three';
import { Pointer } from './pointers';

const NEAR = 0.02;
const FAR = 1000;
const WISHED_HZ = 90;
const USUAL_HZ = 72;
const RESTORE_MS = 8000;
/** Two hands, and what the system points with for as long as something is pinched or pressed. */
const INPUTS = [0, 1, 2, 3];

interface SessionEvents {
  /** Seconds since the frame before, and how long that one took to be told to the device. */
  frame(seconds: number, busy: number): void;
  squeeze(pointer: Pointer, held: boolean): void;
  /** The viewer asked the system to make this the middle; where the head is in it, the next frame tells. */
  reset(): void;
  /** So many frames a second are shown from now on. */
  rate(hz: number): void;
  sleep(asleep: boolean): void;
  restored(): void;
  ended(lost: boolean): void;
}

/** As far as browsers have it, beyond what the types know. */
type FineView = XRView & { requestViewportScale?(scale: number | null): void };

/**
 * One immersive session on one canvas. It goes on while the system shows something over it, and over a loss of the
 * graphics device; it ends when the viewer or the system says so.
 */
export class Session {
  readonly renderer: THREE.WebGLRenderer;
  readonly scene = new THREE.Scene();
  readonly rig = new THREE.Group();
  readonly camera = new THREE.PerspectiveCamera(70, 1, NEAR, FAR);
  readonly pointers: Pointer[];
  /** Frames a second that the headset shows. */
  rate = USUAL_HZ;
  /** Whether the headset tells where it is in this frame. */
  posed = false;
  frames = 0;
  calls = 0;
  private readonly canvas = document.createElement('canvas');
  private readonly abort = new AbortController();
  private session: XRSession | null = null;
  private space: XRReferenceSpace | null = null;
  private last = 0;
  private busy = 0;
  private viewport = 1;
  private asleep = false;
  private lost = false;
  private restoreTimer = 0;

  /** paced: waits for each frame to be drawn, where nothing else keeps frames from queueing up, as in software. */
  constructor(
    private readonly events: SessionEvents,
    private readonly paced: boolean,
  ) {
    this.canvas.className = 'xr-canvas';
    this.renderer = new THREE.WebGLRenderer({
      canvas: this.canvas,
      // Splats with many samples a pixel hang some headsets; they are soft by themselves.
      antialias: false,
      alpha: false,
      powerPreference: 'high-performance',
    });
    this.renderer.setClearColor(0x05060a, 1);
    this.renderer.xr.enabled = true;
    this.renderer.xr.setReferenceSpaceType('local-floor');
    this.scene.add(this.rig);
    this.rig.add(this.camera);
    this.pointers = INPUTS.map((i) => new Pointer(this.renderer, this.rig, i, events.squeeze));
    const { signal } = this.abort;
    this.canvas.addEventListener('webglcontextlost', (event) => this.onLost(event), { signal });
    this.canvas.addEventListener('webglcontextrestored', () => void this.onRestored(), { signal });
  }

  async begin(session: XRSession): Promise<void> {
    this.session = session;
    const { signal } = this.abort;
    session.addEventListener('end', () => this.onEnd(), { signal });
    session.addEventListener('visibilitychange', () => this.onVisibility(), { signal });
    await this.renderer.xr.setSession(session);
    if (!this.session) return;
    this.followSpace();
    void this.askForRate(session);
    this.renderer.setAnimationLoop((time: number, frame?: XRFrame) => this.draw(time, frame));
  }

  /** Asks less of the device, or more. */
  spare(foveation: number, viewport: number): void {
    this.viewport = viewport;
    this.renderer.xr.setFoveation(foveation);
  }

  end(): void {
    this.session?.end().catch(() => this.onEnd());
  }

  dispose(): void {
    this.abort.abort();
    window.clearTimeout(this.restoreTimer);
    this.renderer.setAnimationLoop(null);
    for (const pointer of this.pointers) pointer.dispose();
    this.renderer.dispose();
    if (!this.renderer.getContext().isContextLost()) this.renderer.forceContextLoss();
    this.canvas.remove();
  }

  private draw(time: number, frame: XRFrame | undefined): void {
    if (this.lost || !frame) return;
    const seconds = this.last === 0 ? 0 : Math.min((time - this.last) / 1000, 0.25);
    this.last = time;
    if (this.asleep) {
      this.renderer.render(this.scene, this.camera);
      return;
    }
    const started = performance.now();
    const pose = this.space && frame.getViewerPose(this.space);
    this.posed = Boolean(pose);
    this.askForViewport(pose?.views ?? []);
    // Rays and hands are looked at where they are now, not where they were drawn last.
    this.renderer.xr.updateCamera(this.camera);
    this.rig.updateMatrixWorld(true);
    this.events.frame(seconds, this.busy);
    if (!this.session) return;
    this.renderer.render(this.scene, this.camera);
    this.frames += 1;
    this.calls = this.renderer.info.render.calls;
    if (this.paced) waitForFrame(this.renderer.getContext() as WebGL2RenderingContext);
    this.busy = (performance.now() - started) / 1000;
  }

  private askForViewport(views: readonly XRView[]): void {
    if (this.viewport === 1) return;
    for (const view of views) (view as FineView).requestViewportScale?.(this.viewport);
  }

  private async askForRate(session: XRSession): Promise<void> {
    const rates = [...(session.supportedFrameRates ?? [])].filter((rate) => rate <= WISHED_HZ);
    const rate = Math.max(...rates, 0);
    if (rate === 0) return;
    try {
      await session.updateTargetFrameRate(rate);
      this.rate = rate;
    } catch {
      // It stays as it is.
      this.rate = session.frameRate ?? USUAL_HZ;
    }
    if (this.session) this.events.rate(this.rate);
  }

  private followSpace(): void {
    this.space = this.renderer.xr.getReferenceSpace();
    this.space?.addEventListener('reset', () => this.events.reset(), {
      signal: this.abort.signal,
    });
  }

  /** The system shows something over it: what is seen stays, nothing is pressed. */
  private onVisibility(): void {
    const asleep = this.session?.visibilityState !== 'visible';
    if (asleep === this.asleep) return;
    this.asleep = asleep;
    if (asleep) for (const pointer of this.pointers) pointer.letGo();
    document.body.dataset.xrVisible = this.session?.visibilityState ?? '';
    this.events.sleep(asleep);
  }

  private onLost(event: Event): void {
    event.preventDefault();
    this.lost = true;
    document.body.dataset.xrLost = 'true';
    this.restoreTimer = window.setTimeout(() => this.end(), RESTORE_MS);
  }

  /** Goes on in the same session, with a layer of the new context. */
  private async onRestored(): Promise<void> {
    window.clearTimeout(this.restoreTimer);
    if (!this.session) return;
    this.renderer.setRenderTarget(null);
    try {
      await this.renderer.xr.setSession(this.session);
    } catch {
      this.end();
      return;
    }
    if (!this.session) return;
    this.followSpace();
    this.lost = false;
    delete document.body.dataset.xrLost;
    this.events.restored();
  }

  private onEnd(): void {
    this.session = null;
    this.events.ended(this.lost);
  }
}

function waitForFrame(gl: WebGL2RenderingContext): void {
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
}
