import * as THREE from 'three';
import { Body } from './bodies';
import { isClick } from './clicking';
import { ACCENT, ORDER, plainMaterial } from './paint';

export interface Ray {
  origin: THREE.Vector3;
  direction: THREE.Vector3;
}

/** Where a ray meets something, and whose it is. */
export interface Touch {
  ray: Ray;
  point: THREE.Vector3;
  seconds: number;
}

/** Something that can be pointed at. */
export interface Target {
  meet(ray: Ray): { distance: number; point: THREE.Vector3 } | null;
  /** Pointed at; null for no more. */
  hover(touch: Touch | null): void;
  press(touch: Touch): void;
  /** Held and moved; null where the ray meets it no more. */
  drag(touch: Touch | null, ray: Ray): void;
  release(touch: Touch | null, clicked: boolean): void;
}

const RAY_LENGTH = 3;

/** One controller or hand: its ray, and what it points at and holds. */
export class Pointer {
  readonly space: THREE.XRTargetRaySpace;
  readonly grip: THREE.XRGripSpace;
  readonly hand: THREE.XRHandSpace;
  source: XRInputSource | null = null;
  /** Something else takes what is selected, as a hand that opens a menu. */
  muted = false;
  private readonly body: Body;
  private readonly line: THREE.Mesh;
  private readonly dot: THREE.Mesh;
  private over: Target | null = null;
  private held: { target: Target; from: Ray; seconds: number; travelled: number } | null = null;
  private touch: Touch | null = null;
  private wantsPress = false;
  private wantsRelease = false;

  constructor(
    renderer: THREE.WebGLRenderer,
    rig: THREE.Object3D,
    index: number,
    onSqueeze: (pointer: Pointer, held: boolean) => void,
  ) {
    this.space = renderer.xr.getController(index);
    this.grip = renderer.xr.getControllerGrip(index);
    this.hand = renderer.xr.getHand(index);
    rig.add(this.space, this.grip, this.hand);
    this.body = new Body(this.grip, this.hand, rig);
    const beam = new THREE.CylinderGeometry(0.0012, 0.003, 1, 6, 1, true);
    beam.rotateX(-Math.PI / 2).translate(0, 0, -0.5);
    this.line = new THREE.Mesh(beam, plainMaterial(ACCENT, 0.5));
    this.line.renderOrder = ORDER.ray;
    this.space.add(this.line);
    this.dot = new THREE.Mesh(new THREE.CircleGeometry(0.006, 20), plainMaterial([1, 1, 1], 0.95));
    this.dot.renderOrder = ORDER.ray + 1;
    rig.parent?.add(this.dot);
    this.dot.visible = false;
    this.space.addEventListener('connected', ({ data }) => {
      this.source = data as XRInputSource;
    });
    this.space.addEventListener('disconnected', () => {
      // What is there only while it presses is gone with its release.
      if (this.wantsRelease) this.release(this.touch);
      this.leave();
    });
    this.space.addEventListener('selectstart', () => {
      this.wantsPress = true;
    });
    this.space.addEventListener('selectend', () => {
      this.wantsRelease = true;
    });
    this.space.addEventListener('squeezestart', () => onSqueeze(this, true));
    this.space.addEventListener('squeezeend', () => onSqueeze(this, false));
  }

  get handedness(): XRHandedness {
    return this.source?.handedness ?? 'none';
  }

  /** Whether it is a hand or in one, not a glance that lasts as long as a pinch. */
  get isCarried(): boolean {
    return this.source?.targetRayMode === 'tracked-pointer';
  }

  get isHand(): boolean {
    return Boolean(this.source?.hand);
  }

  /** Where it points from, and where to, in the world. */
  ray(): Ray {
    const origin = new THREE.Vector3().setFromMatrixPosition(this.space.matrixWorld);
    const direction = new THREE.Vector3(0, 0, -1).transformDirection(this.space.matrixWorld);
    return { origin, direction };
  }

  /** Looks what lies before it, and tells that what happens to it. */
  step(targets: Target[], seconds: number, head: THREE.Vector3): void {
    this.body.step(this.source);
    if (!this.source || this.source.targetRayMode === 'gaze') {
      this.show(null, null, head);
      return;
    }
    const ray = this.ray();
    const found = this.muted ? null : this.held ? this.meetHeld(ray) : nearest(targets, ray);
    const touch = found && { ray, point: found.point, seconds };
    const over = found?.target ?? null;
    if (over !== this.over) this.over?.hover(null);
    this.over = over;
    if (touch) over?.hover(touch);
    if (this.wantsPress && touch && over) {
      this.held = { target: over, from: ray, seconds: 0, travelled: 0 };
      over.press(touch);
    } else if (this.held) {
      this.held.seconds += seconds;
      this.held.travelled = Math.max(
        this.held.travelled,
        ray.direction.angleTo(this.held.from.direction),
      );
      this.held.target.drag(touch, ray);
    }
    this.touch = touch;
    if (this.wantsRelease) this.release(touch);
    this.wantsPress = this.wantsRelease = false;
    this.show(found?.point ?? null, found?.distance ?? null, head);
  }

  /** Lets go of everything, as when its session sleeps. */
  leave(): void {
    this.over?.hover(null);
    this.held?.target.release(null, false);
    this.over = this.held = this.touch = null;
    this.wantsPress = this.wantsRelease = false;
    this.source = null;
    this.dot.visible = false;
  }

  /** Lets go of what it holds; it is still there. */
  letGo(): void {
    const { source } = this;
    this.leave();
    this.source = source;
  }

  dispose(): void {
    this.leave();
    this.body.dispose();
    for (const mesh of [this.line, this.dot]) {
      mesh.removeFromParent();
      mesh.geometry.dispose();
      (mesh.material as THREE.Material).dispose();
    }
  }

  private release(touch: Touch | null): void {
    if (!this.held) return;
    const { target, seconds, travelled } = this.held;
    this.held = null;
    target.release(touch, isClick(travelled, seconds));
  }

  private meetHeld(ray: Ray): (ReturnType<Target['meet']> & { target: Target }) | null {
    const target = this.held?.target;
    const met = target?.meet(ray);
    return target && met ? { ...met, target } : null;
  }

  private show(point: THREE.Vector3 | null, distance: number | null, head: THREE.Vector3): void {
    this.line.visible = this.source !== null && !this.muted;
    this.line.scale.set(1, 1, distance === null ? RAY_LENGTH : Math.max(distance - 0.01, 0.02));
    this.dot.visible = point !== null;
    if (!point) return;
    this.dot.position.copy(point).lerp(head, 0.01);
    this.dot.lookAt(head);
    this.dot.scale.setScalar(Math.max(point.distanceTo(head), 0.3));
  }
}

function nearest(
  targets: Target[],
  ray: Ray,
): { target: Target; distance: number; point: THREE.Vector3 } | null {
  let best: { target: Target; distance: number; point: THREE.Vector3 } | null = null;
  for (const target of targets) {
    const met = target.meet(ray);
    if (met && (!best || met.distance < best.distance)) best = { target, ...met };
  }
  return best;
}
