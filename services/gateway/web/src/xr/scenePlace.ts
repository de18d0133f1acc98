import * as THREE from 'three';
import type { SceneCamera } from '../api/schema';
import { reachOf, type Stance, stanceOf } from '../scenes/walk';
import { headingOf } from './angles';
import type { Ground, Spot } from './ground';
import { axesOf, uprightBy } from './level';

/** Metres a second: walking, slower than outdoors. */
const WALK_PACE = 1.2;
const Y = new THREE.Vector3(0, 1, 0);
/** Beyond where pictures were taken a place is only guessed: so far from the nearest of them one may go, in metres. */
const MARGIN = { least: 0.8, ofReach: 0.5 };

/** How a scene lies in its room: the room's middle is where the first picture was taken, and ahead is where it looks. */
export interface Lie {
  /** Metres of the room for each of the scene's lengths. */
  scale: number;
  turn: THREE.Quaternion;
  /** The scene's own origin, in the room. */
  origin: THREE.Vector3;
}

/** Scenes are of a size to be walked in, and set upright where they are not; wish: 1 for as they are. */
export function lieOf(cameras: readonly SceneCamera[], wish: number): Lie {
  const turn = uprightBy(cameras);
  const origin = new THREE.Vector3();
  const [first] = cameras;
  if (!first) return { scale: wish, turn, origin };
  const { ahead, up } = axesOf(first);
  const heading = headingOf(ahead.applyQuaternion(turn), up.applyQuaternion(turn));
  turn.premultiply(new THREE.Quaternion().setFromAxisAngle(Y, heading));
  const { x, y, z } = stanceOf(first.camera_to_world);
  return {
    scale: wish,
    turn,
    origin: origin.set(x, y, z).applyQuaternion(turn).multiplyScalar(-wish),
  };
}

/** Where the pictures were taken, on the floor of the room. */
export function spotsOf(cameras: readonly SceneCamera[], lie: Lie): Spot[] {
  return cameras.map(({ camera_to_world }) => inRoom(stanceOf(camera_to_world), lie));
}

/** Where one comes to on the way from here to there, in the scene's own lengths and axes, past what is in the way. */
export type Walked = (from: Stance, to: Stance) => Stance;

/** Around where the pictures were taken, and not through what is solid. Eyes stay as high as they were taken. */
export function groundOf(cameras: readonly SceneCamera[], lie: Lie, walked: Walked): Ground {
  const spots = spotsOf(cameras, lie);
  const reach = reachOf(cameras.map((one) => stanceOf(one.camera_to_world))) * lie.scale;
  const margin = Math.max(MARGIN.least, MARGIN.ofReach * (cameras.length > 1 ? reach : 0));
  return {
    pace: WALK_PACE,
    step: (from, wanted) => {
      const { x, z } = nearSpots(spots, margin, from, wanted);
      const to = inRoom(
        walked(inScene(from, lie), inScene({ x: from.x + x, z: from.z + z }, lie)),
        lie,
      );
      return { x: to.x - from.x, z: to.z - from.z };
    },
  };
}

/** Eyes above a spot of the room, in the scene's own lengths and axes. */
function inScene({ x, z }: Spot, { origin, scale, turn }: Lie): Stance {
  const seen = new THREE.Vector3(x, 0, z).sub(origin).divideScalar(scale);
  seen.applyQuaternion(turn.clone().invert());
  return { x: seen.x, y: seen.y, z: seen.z, yaw: 0, pitch: 0 };
}

function inRoom({ x, y, z }: Stance, { origin, scale, turn }: Lie): Spot {
  const there = new THREE.Vector3(x, y, z).applyQuaternion(turn).multiplyScalar(scale);
  return { x: there.x + origin.x, z: there.z + origin.z };
}

/** A step that ends no further than this from the nearest of some spots; from beyond it, only nearer. */
export function nearSpots(spots: readonly Spot[], margin: number, from: Spot, step: Spot): Spot {
  const to = { x: from.x + step.x, z: from.z + step.z };
  const nearest = nearestTo(to, spots);
  if (!nearest) return step;
  const far = distance(to, nearest);
  if (far <= margin) return step;
  const limit = Math.max(margin, distance(from, nearestTo(from, spots) ?? nearest));
  if (far <= limit) return step;
  const part = limit / far;
  return {
    x: nearest.x + (to.x - nearest.x) * part - from.x,
    z: nearest.z + (to.z - nearest.z) * part - from.z,
  };
}

function nearestTo(spot: Spot, spots: readonly Spot[]): Spot | null {
  let [best, least]: [Spot | null, number] = [null, Number.POSITIVE_INFINITY];
  for (const one of spots) {
    const squared = (one.x - spot.x) ** 2 + (one.z - spot.z) ** 2;
    if (squared < least) [best, least] = [one, squared];
  }
  return best;
}

const distance = (a: Spot, b: Spot): number => Math.hypot(a.x - b.x, a.z - b.z);
