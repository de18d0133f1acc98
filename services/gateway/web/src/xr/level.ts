import * as THREE from 'three';
import type { SceneCamera } from '../api/schema';
import { radians } from './angles';

/** How far a neck likes to look up or down: what was seen more steeply is put there. */
const STEEPEST = radians(35);
const DOWN = new THREE.Vector3(0, -1, 0);
const UP = new THREE.Vector3(0, 1, 0);
/** Pictures tell what is up where they agree on it: as long as this, at least, is the mean of what is up in each. */
const AGREED = 0.7;
/** A world that is askew by less is upright: whoever photographs a table looks down on it. */
const ASKEW = radians(50);
/** Pictures that look down this steeply may be a drone's of fields, whose world is upright. */
const STEEP = 0.7;

/** Which way things fall, in the axes of a photo's camera: x right, y down, z ahead. */
export type Gravity = readonly [x: number, y: number, z: number];

/** What a maker tells of a camera's gravity, where it can be one. */
export function asGravity(told: unknown): Gravity | null {
  if (!Array.isArray(told) || told.length !== 3 || !told.every(Number.isFinite)) return null;
  const [x, y, z] = told as [number, number, number];
  return Math.abs(Math.hypot(x, y, z) - 1) < 0.05 ? [x, y, z] : null;
}

/**
 * How a photo is turned around its camera so that its horizon lies level: up or down as its camera looked, and upright
 * where it was held askew. Nothing where nobody knows.
 */
export function levelling(gravity: Gravity | null): THREE.Quaternion {
  const turn = new THREE.Quaternion();
  if (!gravity) return turn;
  const [x, y, z] = gravity;
  const falls = new THREE.Vector3(x, -y, -z).normalize();
  turn.setFromUnitVectors(falls, DOWN);
  const angle = falls.angleTo(DOWN);
  return angle > STEEPEST ? new THREE.Quaternion().slerp(turn, STEEPEST / angle) : turn;
}

/** Where a picture was taken from: what is ahead of it and what is up in it, in the axes of the screen. */
export function axesOf({ camera_to_world }: SceneCamera): Record<'ahead' | 'up', THREE.Vector3> {
  const at = (index: number) => camera_to_world[index] ?? 0;
  return {
    ahead: new THREE.Vector3(at(2), -at(6), -at(10)),
    up: new THREE.Vector3(-at(1), at(5), at(9)),
  };
}

/**
 * How a scene is turned whose world is not upright, as that of cameras that were given may be: so that up is what is up
 * in its pictures on the whole. Nothing where they do not agree on it, and where it is upright already.
 */
export function uprightBy(cameras: readonly SceneCamera[]): THREE.Quaternion {
  const turn = new THREE.Quaternion();
  if (cameras.length < 2) return turn;
  const axes = cameras.map(axesOf);
  const up = new THREE.Vector3();
  for (const one of axes) up.addScaledVector(one.up, 1 / axes.length);
  const down = axes.reduce((sum, { ahead }) => sum - ahead.y, 0) / axes.length;
  const isSound = up.length() >= AGREED && up.angleTo(UP) > ASKEW && down < STEEP;
  return isSound ? turn.setFromUnitVectors(up.normalize(), UP) : turn;
}
