import * as THREE from 'three';
import type { SceneCamera } from '../api/schema';
import { fitFrame } from '../render/framing';
import { FrameLoop } from '../render/loop';
import { SplatScene } from '../render/splats';
import { reachOf, type Stance, stanceOf, stepOf, stepsOf, turned, walked } from './walk';

const NEAR = 0.01;
const FAR = 4000;
const MOST_PIXELS = 2;
const LONGEST_STEP_S = 0.1;
const FALLBACK: Stance = { x: 0, y: 0, z: 0, yaw: 0, pitch: 0 };

/** A scene that one walks in: keys walk, dragging looks around. */
export class Stage {
  private readonly renderer: THREE.WebGLRenderer;
  private readonly camera = new THREE.PerspectiveCamera(60, 1, NEAR, FAR);
  private readonly loop: FrameLoop;
  private readonly splats: SplatScene;
  private readonly resizes: ResizeObserver;
  private readonly over = new AbortController();
  private readonly held = new Set<string>();
  private stance = FALLBACK;
  private home = FALLBACK;
  private reach = 1;
  private lens: SceneCamera | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly onFrame: (splats: number) => void,
  ) {
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: false, alpha: true });
    this.renderer.setClearColor(0x000000, 0);
    const gl = this.renderer.getContext() as WebGL2RenderingContext;
    this.loop = new FrameLoop(gl, (seconds) => this.draw(seconds));
    this.splats = new SplatScene(this.renderer, null, () => this.loop.invalidate());
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(canvas);
    this.listen();
  }

  /** Stands where the first of these pictures was taken. */
  enter(cameras: readonly SceneCamera[]): void {
    const stances = cameras.map((one) => stanceOf(one.camera_to_world));
    this.lens = cameras[0] ?? null;
    this.home = stances[0] ?? FALLBACK;
    this.reach = reachOf(stances);
    this.stance = this.home;
    this.resize();
  }

  /** Shows a splat file in place of what is shown; it is complete when this resolves. */
  async show(bytes: Uint8Array, name: string): Promise<void> {
    await this.splats.load(bytes, name, this.over.signal);
    this.aim();
    await this.splats.prepare(this.camera, this.over.signal);
    this.loop.invalidate();
  }

  /** Back to where one came in. */
  reset(): void {
    this.stance = this.home;
    this.loop.invalidate();
  }

  dispose(): void {
    this.over.abort();
    this.resizes.disconnect();
    this.loop.dispose();
    this.splats.dispose();
    this.renderer.dispose();
  }

  private draw(seconds: number): boolean {
    const steps = stepsOf(this.held);
    this.stance = walked(this.stance, steps, Math.min(seconds, LONGEST_STEP_S), this.reach);
    this.aim();
    this.renderer.render(this.splats.scene, this.camera);
    const { x, y, z } = this.stance;
    this.canvas.dataset.at = [x, y, z].map((one) => one.toFixed(3)).join(' ');
    this.onFrame(this.splats.count);
    return this.held.size > 0;
  }

  private aim(): void {
    const { x, y, z, yaw, pitch } = this.stance;
    this.camera.position.set(x, y, z);
    this.camera.rotation.set(pitch, yaw, 0, 'YXZ');
    this.camera.updateMatrixWorld();
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.canvas;
    const [width, height] = [Math.max(1, clientWidth), Math.max(1, clientHeight)];
    const ratio = Math.min(window.devicePixelRatio, MOST_PIXELS);
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(width, height, false);
    this.splats.setPixelRatio(ratio);
    this.camera.aspect = width / height;
    if (this.lens) this.camera.fov = fitFrame(this.lens, width, height).fov;
    this.camera.updateProjectionMatrix();
    this.loop.invalidate();
  }

  private listen(): void {
    const { signal } = this.over;
    const { canvas } = this;
    canvas.addEventListener(
      'keydown',
      (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || !stepOf(event.key)) return;
        event.preventDefault();
        this.held.add(event.key);
        this.loop.invalidate();
      },
      { signal },
    );
    canvas.addEventListener('keyup', (event) => this.held.delete(event.key), { signal });
    canvas.addEventListener('blur', () => this.held.clear(), { signal });
    canvas.addEventListener(
      'pointermove',
      (event) => {
        if (event.buttons !== 1) return;
        const { clientWidth, clientHeight } = canvas;
        this.stance = turned(
          this.stance,
          event.movementX / clientWidth,
          event.movementY / clientHeight,
        );
        this.loop.invalidate();
      },
      { signal },
    );
    canvas.addEventListener('pointerdown', (event) => canvas.setPointerCapture(event.pointerId), {
      signal,
    });
    canvas.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        const steps = { ahead: -Math.sign(event.deltaY), right: 0, up: 0 };
        this.stance = walked(this.stance, steps, 0.15, this.reach);
        this.loop.invalidate();
      },
      { signal, passive: false },
    );
  }
}
