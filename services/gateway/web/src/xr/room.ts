import type * as THREE from 'three';
import type { Api } from '../api/client';
import type { Quality } from '../api/schema';
import type { Store } from '../store';
import type { Cloud } from './cloud';
import type { Controls } from './controls';
import type { Ground, Spot } from './ground';
import type { Likings } from './likings';
import type { Row } from './panelLayout';
import type { Target } from './pointers';
import type { Surround } from './surround';

export type Asked = ReturnType<Controls['read']>;

/** What rooms of VR share. */
export interface House {
  readonly api: Api;
  readonly store: Store;
  /** With which model, and how fine, 3D is made. */
  readonly making: { model: string; quality: Quality };
  readonly renderer: THREE.WebGLRenderer;
  readonly surround: Surround;
  /** What splats are drawn by. */
  readonly cloud: Cloud;
  /** How high the eyes are above the floor. */
  readonly eyeHeight: number;
  likings: Likings;
  /** At most this many splats as somebody asked for, or null. */
  readonly budget: number | null;
  /** How many splats the device is good for now. */
  splats(): number;
  like(likings: Partial<Likings>): void;
  /** Puts the viewer where the photographer stood, or before the middle of the wall. */
  recentre(): void;
  /** Puts the viewer there, dark for a moment; asked for where that is once it is dark. */
  leap(to: () => Spot): void;
  leave(): void;
  /** why: what is said there, where nobody asked to go. */
  toWall(why?: string): void;
  /** What the wrist says has changed. */
  tell(): void;
  /** Something else is drawn: what it takes is not known yet. */
  settle(): void;
}

/** One of the places in VR: the wall, a photo, a video, a scene. */
export interface Room {
  readonly name: 'wall' | Kind;
  readonly group: THREE.Group;
  /** Where one may go by stick. */
  readonly ground: Ground;
  targets(): Target[];
  /** Once a frame. head: the eyes, from the room's middle. */
  step(seconds: number, head: THREE.Vector3): void;
  act(asked: Asked): void;
  /** What stands on the wrist. */
  rows(): Row[];
  press(id: string): void;
  /** The session sleeps, or goes on. */
  sleep(asleep: boolean): void;
  /** The graphics device was lost and is there again. */
  restore(): void;
  /** Another level of splats is wanted, as the device bears more or less now. */
  relevel?(): void;
  /** Splats are more than the device can do. */
  giveUp?(): void;
  /** Where something is in the world, by its name; for tests, which have no eyes. */
  placeOf?(name: string): THREE.Vector3 | null;
  close(): void;
  dispose(): void;
  /** What is looked at, for whoever comes back to the page. */
  facts(): Record<string, string>;
}

/** What can be opened. */
export type Kind = 'photo' | 'video' | 'scene';

export interface Opened extends Room {
  readonly name: Kind;
  readonly id: string;
  open(id: string): Promise<void>;
}
