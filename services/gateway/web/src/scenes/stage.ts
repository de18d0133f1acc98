import * as THREE from 'three';
import type { SceneCamera } from '../api/schema';
import type { Backend } from '../graphics/backend';
import type { Drawing } from '../graphics/surface';
import { WebGlSurface } from '../graphics/webgl';
import { type Cloud, countOf, forgetCloud } from '../render/cloud';
import { budgetOf } from '../render/device';
import { fitFrame } from '../render/framing';
import { FrameLoop } from '../render/loop';
import type { SplatScene } from '../render/splats';
import { readGlb } from './glb';
import { readPly } from './points';
import { type OpenFile, POINT_BUDGET, TiledPoints } from './tiled';
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
  readonly canvas: HTMLCanvasElement;
  private readonly scene = new THREE.Scene();
  private readonly camera = new THREE.PerspectiveCamera(60, 1, NEAR, FAR);
  private readonly loop: FrameLoop;
  private splats: SplatScene | null = null;
  private readonly resizes: ResizeObserver;
  private readonly over = new AbortController();
  /** Codes of the keys that are held, and where fingers are. */
  private readonly held = new Set<string>();
  private readonly fingers = new Map<number, Spot>();
  private points: Cloud | null = null;
  private tiled: TiledPoints | null = null;
  /** Where one stands, and which way one looks. */
  stance = FALLBACK;
  private reach = 1;
  private lens: SceneCamera | null = null;
  private walls: Walls | null = null;

  /** place: what of the page the canvas lies in, or will. */
  constructor(
    private readonly drawing: Drawing,
    private readonly place: () => HTMLElement,
    private readonly onFrame: (drawn: Drawn) => void,
  ) {
    this.canvas = drawing.surface.canvas;
    this.loop = new FrameLoop(drawing.surface.fence, (seconds) => this.draw(seconds));
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.canvas);
    this.listen();
  }

  get backend(): Backend {
    return this.drawing.surface.backend;
  }

  /** Stands there, or where the first of these pictures was taken. */
  enter(cameras: readonly SceneCamera[], stance: Stance | null): void {
    const stances = cameras.map((one) => stanceOf(one.camera_to_world));
    this.lens = cameras[0] ?? null;
    this.reach = reachOf(stances);
    this.stance = stance ?? stances[0] ?? FALLBACK;
    this.resize();
  }

  /** Shows a splat file in place of what is shown; it is complete when this resolves. */
  async show(bytes: Uint8Array, name: string, wanted: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([this.over.signal, wanted]);
    const splats = await this.openSplats(signal);
    await splats?.load(bytes, name, signal);
    if (signal.aborted) return;
    this.setPoints(null);
    this.aim();
    await splats?.prepare(this.camera, signal);
    if (!this.over.signal.aborted) this.loop.invalidate();
  }

  /** What one cannot walk through from now on; null for nothing. */
  setWalls(walls: Walls | null): void {
    this.walls = walls;
  }

  /** Shows points of a PLY or GLB in place of what is shown; throws TypeError where they cannot be read. */
  async showPoints(bytes: Uint8Array, name: string, wanted: AbortSignal): Promise<void> {
    const points = name.endsWith('.glb') ? await readGlb(bytes) : readPly(bytes);
    const cloud = this.drawing.cloudOf(points);
    if (!(await this.isReady(cloud, wanted, () => forgetCloud(cloud)))) return;
    this.splats?.clear();
    this.setPoints(cloud);
    this.loop.invalidate();
  }

  /** Shows what is seen of a tree of points in place of what is shown; throws where its root cannot be read. */
  async showTiles(index: Uint8Array, open: OpenFile, wanted: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([this.over.signal, wanted]);
    const budget = budgetOf(location.search) ?? POINT_BUDGET;
    const { cloudOf } = this.drawing;
    const changed = () => this.loop.invalidate();
    const tiled = await TiledPoints.open(index, open, cloudOf, budget, changed, signal);
    this.aim();
    tiled.look(this.camera, this.canvas.height);
    if (!(await this.isReady(tiled.group, signal, () => tiled.dispose()))) return;
    this.splats?.clear();
    this.setPoints(null);
    this.tiled = tiled;
    this.scene.add(tiled.group);
    this.loop.invalidate();
  }

  /** Has it ready to come into the scene; what is not wanted any more or cannot be drawn is forgotten. */
  private async isReady(
    what: THREE.Object3D,
    wanted: AbortSignal,
    forget: () => void,
  ): Promise<boolean> {
    let isReady = false;
    try {
      await this.drawing.surface.prepare(what, this.camera, this.scene);
      isReady = !wanted.aborted && !this.over.signal.aborted;
    } finally {
      if (!isReady) forget();
    }
    return isReady;
  }

  private async openSplats(signal: AbortSignal): Promise<SplatScene | null> {
    if (this.splats) return this.splats;
    const { SplatScene } = await import('../render/splats');
    const { surface } = this.drawing;
    if (signal.aborted) return null;
    if (!(surface instanceof WebGlSurface)) throw new TypeError('WebGL 2 alone draws splats');
    this.splats ??= new SplatScene(surface.renderer, null, () => this.loop.invalidate());
    this.splats.setPixelRatio(surface.pixelRatio);
    this.scene.add(this.splats.scene);
    return this.splats;
  }

  private setPoints(points: Cloud | null): void {
    if (this.tiled) {
      this.scene.remove(this.tiled.group);
      this.tiled.dispose();
      this.tiled = null;
    }
    if (this.points) {
      this.scene.remove(this.points);
      forgetCloud(this.points);
    }
    this.points = points;
    if (points) this.scene.add(points);
  }

  dispose(): void {
    this.over.abort();
    this.resizes.disconnect();
    this.loop.dispose();
    this.setPoints(null);
    void this.release();
  }

  private async release(): Promise<void> {
    await this.splats?.idle();
    this.splats?.dispose();
    this.drawing.surface.dispose();
  }

  private draw(seconds: number): boolean {
    this.walk(stepsOf(this.held), Math.min(seconds, LONGEST_STEP_S));
    this.aim();
    this.tiled?.look(this.camera, this.canvas.height);
    this.drawing.surface.render(this.scene, this.camera);
    const { x, y, z } = this.stance;
    this.canvas.dataset.at = [x, y, z].map((one) => one.toFixed(3)).join(' ');
    const points = this.points ? countOf(this.points) : (this.tiled?.count ?? 0);
    this.onFrame({ splats: this.splats?.count ?? 0, points });
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
    const { clientWidth, clientHeight } = this.place();
    const [width, height] = [Math.max(1, clientWidth), Math.max(1, clientHeight)];
    const ratio = Math.min(window.devicePixelRatio, MOST_PIXELS);
    this.drawing.surface.setSize(width, height, ratio);
    this.splats?.setPixelRatio(ratio);
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
