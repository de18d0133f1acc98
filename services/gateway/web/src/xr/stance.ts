import * as THREE from 'three';
import { headingOf } from './angles';
import { SNAP, Vignette } from './comfort';
import type { Ground, Spot } from './ground';
import type { Asked } from './room';

/**
 * Where the viewer stands. The middle of every room is where the eyes were when it was entered or recentred: that is
 * where the photographer's camera was, and before it hangs the wall. Only the rig is moved, never what is looked at.
 */
export class Stance {
  readonly vignette = new Vignette();
  /** How high the eyes are above the floor, as the headset knows it. */
  eyeHeight = 1.6;
  private isDue = true;

  constructor(
    private readonly rig: THREE.Object3D,
    private readonly camera: THREE.PerspectiveCamera,
  ) {}

  /** Recentres once the headset tells where it is next: what is known now is of before. */
  recentreNext(): void {
    this.isDue = true;
  }

  /** Once a frame. posed: whether the headset told where it is. True where that was waited for, as at first. */
  heed(posed: boolean): boolean {
    if (!posed || !this.isDue) return false;
    this.recentre();
    return true;
  }

  /** The eyes, from the middle of the room. */
  head(): THREE.Vector3 {
    return this.rig.localToWorld(this.camera.position.clone());
  }

  /** Where one looks, level. */
  ahead(): THREE.Vector3 {
    const forward = new THREE.Vector3(0, 0, -1).applyQuaternion(this.camera.quaternion);
    forward.applyQuaternion(this.rig.quaternion).setY(0);
    return forward.lengthSq() > 1e-4 ? forward.normalize() : forward.set(0, 0, -1);
  }

  /** Makes where one is and looks the middle; upright, however one holds one's head. */
  recentre(): void {
    this.isDue = false;
    const { position, quaternion } = this.camera;
    const forward = new THREE.Vector3(0, 0, -1).applyQuaternion(quaternion);
    const up = new THREE.Vector3(0, 1, 0).applyQuaternion(quaternion);
    this.rig.rotation.set(0, headingOf(forward, up), 0);
    this.home();
    this.eyeHeight = Math.max(position.y, 0.3);
  }

  /** Brings the eyes back to the middle without turning. */
  home(): void {
    this.rig.position.copy(this.camera.position).applyEuler(this.rig.rotation).negate();
    this.rig.updateMatrixWorld(true);
  }

  /** Turns and steps as sticks ask for; true while one is moved. */
  walk({ turn, ahead }: Asked, seconds: number, ground: Ground): boolean {
    if (turn !== 0) this.turn(-turn * SNAP);
    if (ahead === 0) return turn !== 0;
    const wanted = this.ahead().multiplyScalar(ahead * ground.pace * seconds);
    const { x, z } = ground.step(this.head(), wanted);
    this.shift(x, z);
    return Math.hypot(x, z) > 1e-5;
  }

  /** Stands there at once, as high as before. */
  goTo({ x, z }: Spot): void {
    const head = this.head();
    this.shift(x - head.x, z - head.z);
  }

  private shift(x: number, z: number): void {
    this.rig.position.x += x;
    this.rig.position.z += z;
    this.rig.updateMatrixWorld(true);
  }

  /** Turns around the head, not around the room. */
  private turn(angle: number): void {
    const before = this.head();
    this.rig.rotation.y += angle;
    this.rig.updateMatrixWorld(true);
    this.rig.position.add(before.sub(this.head()));
    this.rig.updateMatrixWorld(true);
  }
}
