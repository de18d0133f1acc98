import * as THREE from 'three';
import { azimuthOf } from './angles';
import { Kinetic } from './kinetic';
import { outwards } from './outwards';
import { disposeMesh, ORDER } from './paint';
import type { Ray, Target, Touch } from './pointers';
import type { Card, Source } from './sources';
import { Thumbnails } from './thumbnails';
import {
  cellAt,
  columnsOf,
  endsOf,
  indexAt,
  meetCylinder,
  seenAt,
  type WallShape,
} from './wallLayout';
import { tellShape, wallMaterial } from './wallMaterial';

const MOST = 160;
/** Columns a second that a stick pushed to its end scrolls by. */
const STICK_SPEED = 9;

interface WallActions {
  open(card: Card): void;
  /** Another part of the source is before the viewer. */
  moved(): void;
}

/** The curved wall of thumbnails around the viewer: one mesh, whatever is on it. */
export class Wall implements Target {
  readonly mesh: THREE.Mesh<THREE.InstancedBufferGeometry, THREE.ShaderMaterial>;
  readonly scroll = new Kinetic();
  source: Source | null = null;
  private readonly thumbnails = new Thumbnails();
  private readonly cells = new THREE.InstancedBufferAttribute(new Float32Array(MOST * 4), 4);
  private readonly glow = new Map<number, number>();
  private hovered = -1;
  private grabbed: number | null = null;
  /** How many that are seen have no picture yet. */
  missing = 0;
  private off: () => void = () => {};
  private changed = true;
  private middle = -1;

  constructor(
    private shape: WallShape,
    private readonly actions: WallActions,
  ) {
    this.cells.setUsage(THREE.DynamicDrawUsage);
    const plane = new THREE.PlaneGeometry(1, 1, 6, 1);
    const geometry = new THREE.InstancedBufferGeometry();
    geometry.index = plane.index;
    for (const name of ['position', 'uv']) geometry.setAttribute(name, plane.getAttribute(name));
    geometry.setAttribute('cell', this.cells);
    geometry.instanceCount = 0;
    const material = wallMaterial(this.thumbnails.texture);
    this.mesh = new THREE.Mesh(geometry, material);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = ORDER.wall;
    this.reshape(shape);
  }

  /** The card in the middle of what one sees. */
  get middleIndex(): number {
    return Math.min(Math.round(this.scroll.place) * this.shape.rows, Math.max(this.count - 1, 0));
  }

  private get count(): number {
    return this.source?.count ?? 0;
  }

  reshape(shape: WallShape): void {
    const first = Math.round(this.scroll.place) * this.shape.rows;
    this.shape = shape;
    tellShape(this.mesh.material, shape);
    this.setEnds();
    this.scroll.jump(first / shape.rows);
    this.changed = true;
  }

  /** Shows another source, from its first card on, or from one of them. */
  show(source: Source, from: string | null = null): void {
    this.off();
    this.source = source;
    this.hovered = -1;
    this.glow.clear();
    this.off = source.on('change', () => {
      this.setEnds();
      this.changed = true;
    });
    this.setEnds();
    this.scroll.jump(0);
    if (from) this.goTo(from);
    this.changed = true;
  }

  /** Brings a photo to the middle, where the source knows it. */
  goTo(id: string): void {
    const index = this.source?.indexOf(id) ?? -1;
    if (index >= 0) this.scroll.jump(Math.floor(index / this.shape.rows));
    this.changed = true;
  }

  /** part: of the whole source, 0 to 1. */
  goToPart(part: number): void {
    this.scroll.jump(part * Math.max(columnsOf(this.count, this.shape) - 1, 0));
    this.changed = true;
  }

  get part(): number {
    return this.scroll.place / Math.max(columnsOf(this.count, this.shape) - 1, 1);
  }

  /** Whether there is more than is seen at once. */
  get scrolls(): boolean {
    const [from, to] = endsOf(this.count, this.shape);
    return to > from;
  }

  /** A stick pushed to a side. */
  push(across: number): void {
    if (across !== 0) this.scroll.push(across * STICK_SPEED);
  }

  step(seconds: number): void {
    const moves = this.scroll.step(seconds);
    const drawn = this.thumbnails.step();
    const glows = this.stepGlow(seconds);
    if (moves || drawn || glows || this.changed) this.lay();
    const { middleIndex } = this;
    if (middleIndex !== this.middle) this.actions.moved();
    this.middle = middleIndex;
  }

  /** Where a card hangs in the world, while it is seen; for whoever points without eyes. */
  placeOf(id: string): THREE.Vector3 | null {
    const index = this.source?.indexOf(id) ?? -1;
    if (index < 0) return null;
    const { azimuth, y } = cellAt(index, this.scroll.place, this.shape);
    const { radius } = this.shape;
    return this.mesh.localToWorld(
      new THREE.Vector3(Math.sin(azimuth) * radius, y, -Math.cos(azimuth) * radius),
    );
  }

  meet(ray: Ray): { distance: number; point: THREE.Vector3 } | null {
    if (!this.mesh.visible || !this.mesh.parent?.visible) return null;
    const met = this.meetAt(ray);
    if (!met) return null;
    const { rows, rise, columns, pitch } = this.shape;
    const far = Math.abs(met.cell.y) > (rows / 2) * rise + 0.1;
    if (this.grabbed === null && (far || Math.abs(met.cell.azimuth) > ((columns + 1) / 2) * pitch))
      return null;
    const point = ray.origin.clone().addScaledVector(ray.direction, met.distance);
    return { distance: met.distance, point };
  }

  hover(touch: Touch | null): void {
    const index = touch && this.grabbed === null ? this.indexUnder(touch.ray) : -1;
    this.hovered = index;
  }

  press(touch: Touch): void {
    this.grabbed = azimuthOf(this.local(touch.point));
    this.scroll.grab();
  }

  drag(touch: Touch | null): void {
    if (this.grabbed === null || !touch) return;
    const moved = azimuthOf(this.local(touch.point)) - this.grabbed;
    this.scroll.pull(-moved / this.shape.pitch, touch.seconds);
  }

  release(touch: Touch | null, clicked: boolean): void {
    this.grabbed = null;
    this.scroll.release();
    if (!clicked || !touch) return;
    this.scroll.push(0);
    const card = this.source?.card(this.indexUnder(touch.ray));
    if (card) this.actions.open(card);
  }

  restore(): void {
    this.thumbnails.restore();
  }

  dispose(): void {
    this.off();
    this.thumbnails.dispose();
    disposeMesh(this.mesh);
  }

  private setEnds(): void {
    const [from, to] = endsOf(this.count, this.shape);
    this.scroll.setEnds(from, to);
    if (!this.scroll.moving || this.scroll.place < from) this.scroll.jump(this.scroll.place);
  }

  private local(point: THREE.Vector3): THREE.Vector3 {
    return this.mesh.worldToLocal(point.clone());
  }

  private meetAt(ray: Ray) {
    const origin = this.local(ray.origin);
    const direction = this.local(ray.origin.clone().add(ray.direction)).sub(origin);
    return meetCylinder(origin.toArray(), direction.toArray(), this.shape.radius);
  }

  private indexUnder(ray: Ray): number {
    const met = this.meetAt(ray);
    return met ? indexAt(met.cell, this.scroll.place, this.count, this.shape) : -1;
  }

  private stepGlow(seconds: number): boolean {
    let changes = false;
    if (this.hovered >= 0 && !this.glow.has(this.hovered)) this.glow.set(this.hovered, 0);
    for (const [index, amount] of this.glow) {
      const wanted = index === this.hovered ? 1 : 0;
      const next = wanted + (amount - wanted) * Math.exp(-seconds / 0.07);
      if (Math.abs(next - amount) > 1e-3) changes = true;
      if (wanted === 0 && next < 0.01) this.glow.delete(index);
      else this.glow.set(index, next);
    }
    return changes;
  }

  /** Puts what is seen where it hangs now. */
  private lay(): void {
    const { source, scroll } = this;
    this.changed = false;
    const [from, to] = seenAt(scroll.place, this.count, this.shape);
    source?.want(from, to);
    const cards: Card[] = [];
    const array = this.cells.array as Float32Array;
    let [n, missing] = [0, 0];
    // From the middle outwards: what is looked at is fetched first.
    for (const index of outwards(from, Math.min(to, from + MOST), this.middleIndex)) {
      const card = source?.card(index) ?? null;
      if (card) cards.push(card);
      const { azimuth, y } = cellAt(index, scroll.place, this.shape);
      const layer = card ? this.thumbnails.layerOf(card) : -1;
      if (layer < 0) missing += 1;
      array.set([azimuth, y, layer, this.glow.get(index) ?? 0], n * 4);
      n += 1;
    }
    this.thumbnails.keep(cards);
    // What has no picture yet asks again when there is room.
    this.missing = missing;
    if (missing > 0) this.changed = true;
    this.mesh.geometry.instanceCount = n;
    this.cells.needsUpdate = true;
  }
}
