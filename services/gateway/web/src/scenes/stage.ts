import * as THREE from 'three';
import type { SceneCamera } from '../api/schema';
import { budgetOf } from '../render/device';
import { fitFrame } from '../render/framing';
import { FrameLoop } from '../render/loop';
import { SplatScene } from '../render/splats';
import { readGlb } from './glb';
import { cloudOf, readPly } from './points';
import { disposeOf, type OpenFile, POINT_BUDGET, TiledPoints } from './tiled';
import {
  reachOf,
  type Spot,
  type Stance,
  type Steps,
  spread,
  stanceOf,
  stepOf,
  stepsOf,
  turned,
  walked,
} from './walk';
import { steppedWithin, type Walls } from './walls';

const NEAR = 0.01;
const FAR = 4000;
const MOST_PIXELS = 2;
const LONGEST_STEP_S = 0.1;
/** Two fingers over the whole canvas walk as far as keys in this time. */
const PINCH_S = 5;
/** And one notch of a wheel. */
const WHEEL_S = 0.15;
const FALLBACK: Stance = { x: 0, y: 0, z: 0, yaw: 0, pitch: 0 };

export interface Drawn {
  splats: number;
  points: number;
}

/** A scene that one walks in: keys and two fingers walk, dragging looks around. */
export class Stage {
  private readonly renderer: THREE.WebGLRenderer;
  private readonly camera = new THREE.PerspectiveCamera(60, 1, NEAR, FAR);
  private readonly loop: FrameLoop;
  private readonly splats: SplatScene;
  private readonly resizes: ResizeObserver;
  private readonly over = new AbortController();
  /** Codes of the keys that are held, and where fingers are. */
  private readonly held = new Set<string>();
  private readonly fingers = new Map<number, Spot>();
  private points: THREE.Points | null = null;
  private tiled: TiledPoints | null = null;
  private stance = FALLBACK;
  private reach = 1;
  private lens: SceneCamera | null = null;
  private walls: Walls | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly onFrame: (drawn: Drawn) => void,
    private readonly onLost: () => void,
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
    this.reach = reachOf(stances);
    this.stance = stances[0] ?? FALLBACK;
    this.resize();
  }

  /** Shows a splat file in place of what is shown; it is complete when this resolves. */
  async show(bytes: Uint8Array, name: string, wanted: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([this.over.signal, wanted]);
    await this.splats.load(bytes, name, signal);
    if (signal.aborted) return;
    this.setPoints(null);
    this.aim();
    await this.splats.prepare(this.camera, signal);
    if (!this.over.signal.aborted) this.loop.invalidate();
  }

  /** What one cannot walk through from now on; null for nothing. */
  setWalls(walls: Walls | null): void {
    this.walls = walls;
  }

  /** Shows points of a PLY or GLB in place of what is shown; throws TypeError where they cannot be read. */
  async showPoints(bytes: Uint8Array, name: string, wanted: AbortSignal): Promise<void> {
    const points = cloudOf(name.endsWith('.glb') ? await readGlb(bytes) : readPly(bytes));
    if (wanted.aborted || this.over.signal.aborted) return disposeOf(points);
    this.splats.clear();
    this.setPoints(points);
    this.loop.invalidate();
  }

  /** Shows what is seen of a tree of points in place of what is shown; throws where its root cannot be read. */
  async showTiles(index: Uint8Array, open: OpenFile, wanted: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([this.over.signal, wanted]);
    const budget = budgetOf(location.search) ?? POINT_BUDGET;
    const tiled = await TiledPoints.open(index, open, budget, () => this.loop.invalidate(), signal);
    if (signal.aborted) return tiled.dispose();
    this.splats.clear();
    this.setPoints(null);
    this.tiled = tiled;
    this.splats.scene.add(tiled.group);
    this.loop.invalidate();
  }

  private setPoints(points: THREE.Points | null): void {
    if (this.tiled) {
      this.splats.scene.remove(this.tiled.group);
      this.tiled.dispose();
      this.tiled = null;
    }
    if (this.points) {
      this.splats.scene.remove(this.points);
      disposeOf(this.points);
    }
    this.points = points;
    if (points) this.splats.scene.add(points);
  }

  dispose(): void {
    this.over.abort();
    this.resizes.disconnect();
    this.loop.dispose();
    this.setPoints(null);
    this.splats.dispose();
    this.renderer.dispose();
  }

  private draw(seconds: number): boolean {
    this.walk(stepsOf(this.held), Math.min(seconds, LONGEST_STEP_S));
    this.aim();
    this.tiled?.look(this.camera, this.canvas.height);
    this.renderer.render(this.splats.scene, this.camera);
    const { x, y, z } = this.stance;
    this.canvas.dataset.at = [x, y, z].map((one) => one.toFixed(3)).join(' ');
    const points = this.points?.geometry.getAttribute('position').count ?? this.tiled?.count ?? 0;
    this.onFrame({ splats: this.splats.count, points });
    return this.held.size > 0;
  }

  private walk(steps: Steps, seconds: number): void {
    const there = walked(this.stance, steps, seconds, this.reach);
    this.stance = steppedWithin(this.walls, this.stance, there);
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
    canvas.addEventListener('webglcontextlost', () => this.onLost(), { signal });
    canvas.addEventListener(
      'keydown',
      (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || !stepOf(event.code)) return;
        event.preventDefault();
        this.held.add(event.code);
        this.loop.invalidate();
      },
      { signal },
    );
    canvas.addEventListener('keyup', (event) => this.held.delete(event.code), { signal });
    canvas.addEventListener('blur', () => this.held.clear(), { signal });
    canvas.addEventListener('pointermove', (event) => this.drag(event), { signal });
    canvas.addEventListener(
      'pointerdown',
      (event) => {
        canvas.setPointerCapture(event.pointerId);
        this.fingers.set(event.pointerId, spotOf(event));
      },
      { signal },
    );
    for (const end of ['pointerup', 'pointercancel'] as const)
      canvas.addEventListener(end, (event) => this.fingers.delete(event.pointerId), { signal });
    canvas.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        this.walk({ ahead: -Math.sign(event.deltaY), right: 0, up: 0 }, WHEEL_S);
        this.loop.invalidate();
      },
      { signal, passive: false },
    );
  }

  /** One finger or the mouse looks around, two walk. */
  private drag(event: PointerEvent): void {
    const from = this.fingers.get(event.pointerId);
    if (!from || event.buttons !== 1) return;
    const to = spotOf(event);
    this.fingers.set(event.pointerId, to);
    const { clientWidth, clientHeight } = this.canvas;
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const size = Math.hypot(clientWidth, clientHeight);
      this.walk(spread(from, to, other, size), PINCH_S);
    } else {
      const [dx, dy] = [to.x - from.x, to.y - from.y];
      this.stance = turned(this.stance, dx / clientWidth, dy / clientHeight);
    }
    this.loop.invalidate();
  }
}

const spotOf = ({ clientX, clientY }: PointerEvent): Spot => ({ x: clientX, y: clientY });
