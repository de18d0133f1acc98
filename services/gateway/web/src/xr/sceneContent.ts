import * as THREE from 'three';
import { type Cloud, countOf, plainPoints } from '../render/cloud';
import type { SplatScene } from '../render/splats';
import { readPly } from '../scenes/points';
import type { Lie } from './scenePlace';

/** What is drawn of a scene: its splats, or its points. */
export class SceneContent {
  readonly group = new THREE.Group();
  private cloud: SplatScene | null = null;
  private points: Cloud | null = null;
  private readonly cloudOf = plainPoints();

  constructor(private readonly splats: () => Promise<SplatScene>) {}

  /** How many splats or points the last frame drew. */
  get count(): number {
    return this.cloud?.count ?? (this.points ? countOf(this.points) : 0);
  }

  lie({ scale, turn, origin }: Lie): void {
    this.group.scale.setScalar(scale);
    this.group.quaternion.copy(turn);
    this.group.position.copy(origin);
  }

  /** Shows splats in place of what is shown. False where that is not wanted any more. */
  async showSplats(bytes: Uint8Array, name: string, signal: AbortSignal): Promise<boolean> {
    const cloud = await this.splats();
    if (signal.aborted) return false;
    await cloud.load(bytes, name, signal);
    if (signal.aborted) return false;
    this.dropPoints();
    this.cloud = cloud;
    this.group.add(cloud.scene);
    return true;
  }

  /** Shows points of a PLY in place of what is shown. Throws TypeError where they cannot be read. */
  showPoints(bytes: Uint8Array): void {
    const points = this.cloudOf(readPly(bytes));
    this.clear();
    this.points = points;
    this.group.add(points);
  }

  clear(): void {
    this.dropPoints();
    this.cloud?.clear();
    this.cloud?.scene.removeFromParent();
    this.cloud = null;
  }

  private dropPoints(): void {
    this.points?.removeFromParent();
    this.points?.geometry.dispose();
    this.points = null;
  }
}
