import * as THREE from 'three';
import { Flick, pushed } from './comfort';
import type { Pointer, Ray } from './pointers';

/** What sticks and buttons ask for, in this frame. */
export interface Asked {
  /** The other hand's stick, across: turn by a step. */
  turn: -1 | 0 | 1;
  /** The other hand's stick, up: go ahead, -1 to 1. */
  ahead: number;
  /** The pointing hand's stick: to the next (1) or previous (-1), and how far across and up it is pushed. */
  step: -1 | 0 | 1;
  across: number;
  up: number;
  /** Where the pointing hand points; null where it has no stick. */
  ray: Ray | null;
  /** B or Y. */
  back: boolean;
  /** A or X. */
  menu: boolean;
}

/** As the profiles of controllers with two buttons and a stick have them. */
const LOWER = 4;
const UPPER = 5;

export class Controls {
  private readonly flicks = { turn: new Flick(), step: new Flick() };
  private readonly wasDown = new Set<string>();

  read(pointers: Pointer[], pointing: 'left' | 'right'): Asked {
    const asked: Asked = {
      turn: 0,
      ahead: 0,
      step: 0,
      across: 0,
      up: 0,
      ray: null,
      back: false,
      menu: false,
    };
    for (const pointer of pointers) {
      const { source, handedness } = pointer;
      if (!source?.gamepad || source.hand) continue;
      const { axes } = source.gamepad;
      // Some say null for axes that there are not.
      const across = pushed(axes[2] || 0);
      const up = pushed(-(axes[3] || 0));
      if (handedness === pointing) {
        asked.step = this.flicks.step.take(across);
        asked.across = across;
        asked.up = up;
        asked.ray = pointer.ray();
      } else {
        asked.turn = this.flicks.turn.take(across);
        asked.ahead = up;
      }
      asked.back = this.pressed(source, UPPER) || asked.back;
      asked.menu = this.pressed(source, LOWER) || asked.menu;
    }
    return asked;
  }

  /** Whether a button went down since the frame before. */
  private pressed({ gamepad, handedness }: XRInputSource, button: number): boolean {
    const key = `${handedness} ${button}`;
    const down = gamepad?.buttons[button]?.pressed ?? false;
    const before = this.wasDown.has(key);
    if (down) this.wasDown.add(key);
    else this.wasDown.delete(key);
    return down && !before;
  }
}

/** How much a palm faces the eyes: 1 straight, 0 aside, negative away. palm: the direction that it faces. */
export function facing(palm: THREE.Vector3, hand: THREE.Vector3, head: THREE.Vector3): number {
  return palm.dot(head.clone().sub(hand).normalize());
}

/** Which way a palm faces in the world: of a hand from its wrist, of a controller from how it is held. */
export function palmOf(pointer: Pointer): { palm: THREE.Vector3; at: THREE.Vector3 } | null {
  const { source } = pointer;
  if (!source) return null;
  if (source.hand) {
    const wrist = pointer.hand.joints.wrist;
    if (!wrist?.visible) return null;
    // A joint's y points out of the back of the hand.
    return {
      palm: new THREE.Vector3(0, -1, 0).transformDirection(wrist.matrixWorld),
      at: new THREE.Vector3().setFromMatrixPosition(wrist.matrixWorld),
    };
  }
  // A grip's x goes through the palm: out of it in the left hand, into it in the right.
  const sign = source.handedness === 'right' ? -1 : 1;
  return {
    palm: new THREE.Vector3(sign, 0, 0).transformDirection(pointer.grip.matrixWorld),
    at: new THREE.Vector3().setFromMatrixPosition(pointer.grip.matrixWorld),
  };
}
