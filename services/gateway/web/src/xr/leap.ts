import * as THREE from 'three';
import type { Ground, Spot } from './ground';
import { reachable, type Throw, throwFrom } from './landing';
import { ACCENT, disposeMesh, ORDER, plainMaterial } from './paint';
import type { Ray, Target, Touch } from './pointers';

/** A stick pushed ahead so far aims; let go of, it goes. */
const AIMS = 0.5;
const LETS_GO = 0.2;
const FARTHEST = 7;
/** A ray has to go down so steeply to mean the floor. */
const DOWN = -0.12;
/** Walking there in thought takes a while: it is done anew for a spot so far from the one before, and so often. */
const ANEW = 0.03;
const LOOKS_MS = 1000 / 15;

/** From where to where one would go, on which ground, and when that was asked. */
interface Asked {
  from: Spot;
  to: Spot;
  ground: Ground;
  at: number;
}

/**
 * Going somewhere at once: by pointing at the floor and pressing, or by a stick that is pushed ahead, which throws an
 * arc, and let go of.
 */
export class Leap implements Target {
  readonly group = new THREE.Group();
  private readonly dots: THREE.InstancedMesh<THREE.SphereGeometry, THREE.ShaderMaterial>;
  private readonly ring: THREE.Mesh;
  private aimed: Spot | null = null;
  private aiming = false;
  private asked: Asked | null = null;

  /** floor: its height now. from: where one stands. */
  constructor(
    private readonly floor: () => number,
    private readonly from: () => Spot,
    private readonly ground: () => Ground,
    private readonly go: (spot: Spot) => void,
  ) {
    const material = plainMaterial(ACCENT, 0.8);
    const { path } = throwFrom([0, 1, 0], [0, 0, -1], 0);
    const dot = new THREE.SphereGeometry(0.012, 8, 6);
    this.dots = new THREE.InstancedMesh(dot, material, path.length);
    this.ring = new THREE.Mesh(
      new THREE.RingGeometry(0.16, 0.22, 40).rotateX(-Math.PI / 2),
      plainMaterial(ACCENT, 0.8),
    );
    for (const mesh of [this.dots, this.ring]) {
      mesh.frustumCulled = false;
      mesh.renderOrder = ORDER.ray;
      this.group.add(mesh);
    }
    this.hide();
  }

  /** Once a frame: how far the stick is pushed ahead, and the ray of the hand that has it. */
  push(ahead: number, ray: Ray | null): void {
    if (!ray) {
      // A hand that is lost sight of has not let go.
      if (this.aiming) this.hide();
    } else if (ahead > AIMS)
      this.aim(throwFrom(tuple(ray.origin), tuple(ray.direction), this.floor()));
    else if (this.aiming && ahead < LETS_GO) {
      this.aiming = false;
      this.take();
    }
  }

  meet({ origin, direction }: Ray): { distance: number; point: THREE.Vector3 } | null {
    if (direction.y > DOWN || this.aiming) return null;
    const distance = (this.floor() - origin.y) / direction.y;
    const point = origin.clone().addScaledVector(direction, distance);
    if (distance <= 0 || Math.hypot(point.x - origin.x, point.z - origin.z) > FARTHEST) return null;
    return { distance, point };
  }

  hover(touch: Touch | null): void {
    if (this.aiming) return;
    if (touch) this.mark(touch.point);
    else this.hide();
  }

  press(): void {}

  drag(): void {}

  release(touch: Touch | null, clicked: boolean): void {
    if (!touch || !clicked) return;
    this.mark(touch.point, true);
    this.take();
  }

  hide(): void {
    this.aiming = false;
    this.aimed = null;
    this.dots.visible = this.ring.visible = false;
  }

  dispose(): void {
    disposeMesh(this.dots);
    this.dots.dispose();
    disposeMesh(this.ring);
    this.group.removeFromParent();
  }

  private aim({ path, spot }: Throw): void {
    this.aiming = true;
    this.dots.visible = true;
    for (const [i, [x, y, z]] of path.entries())
      this.dots.setMatrixAt(i, PLACE.makeTranslation(x, y, z));
    this.dots.instanceMatrix.needsUpdate = true;
    if (spot) this.mark(spot);
    else this.ring.visible = false;
    if (!spot) this.aimed = null;
  }

  /** Marks where one would come to, going there. now: even where that was looked for a moment ago. */
  private mark(spot: Spot, now = false): void {
    const asked = { from: this.from(), to: spot, ground: this.ground(), at: performance.now() };
    if (this.aimed && this.asked && isAsBefore(asked, this.asked, now ? 0 : LOOKS_MS)) return;
    const { from, to, ground } = asked;
    this.asked = asked;
    this.aimed = reachable(from, to, (at, step) => ground.step(at, step));
    this.ring.position.set(this.aimed.x, this.floor() + 0.01, this.aimed.z);
    this.ring.visible = true;
  }

  private take(): void {
    const { aimed } = this;
    this.hide();
    if (aimed) this.go(aimed);
  }
}

const PLACE = new THREE.Matrix4();

/** Whether it is not worth going there in thought again. ms: for how long it is not, wherever one points. */
function isAsBefore(asked: Asked, before: Asked, ms: number): boolean {
  if (asked.at - before.at < ms) return true;
  const near = (a: Spot, b: Spot) => Math.hypot(a.x - b.x, a.z - b.z) <= ANEW;
  return (
    asked.ground === before.ground && near(asked.from, before.from) && near(asked.to, before.to)
  );
}

const tuple = ({ x, y, z }: THREE.Vector3): [number, number, number] => [x, y, z];
