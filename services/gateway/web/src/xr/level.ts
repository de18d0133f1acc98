import * as THREE from 'three';
import { radians } from './angles';

/** How far a neck likes to look up or down: what was seen more steeply is put there. */
const STEEPEST = radians(35);
const DOWN = new THREE.Vector3(0, -1, 0);

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
