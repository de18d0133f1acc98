import * as THREE from 'three';
import { facing, palmOf } from './controls';
import { palmShows } from './palm';
import { Panel } from './panel';
import type { Row } from './panelLayout';
import type { Pointer } from './pointers';
import { WRIST_DISTANCE, WRIST_TEXT, WRIST_WIDTH } from './wristSize';

/** How far above the hand its middle is. */
const ABOVE = 0.13;

/** The panel above the hand that does not point: by a button, or when its palm is turned to the eyes. */
export class Wrist {
  readonly panel: Panel;
  private opened = false;
  private byPalm = false;

  constructor(press: (id: string) => void) {
    this.panel = new Panel('wrist', { width: WRIST_WIDTH, text: WRIST_TEXT }, { press });
    this.panel.mesh.visible = false;
  }

  get shown(): boolean {
    return this.panel.mesh.visible;
  }

  show(rows: Row[]): void {
    this.panel.show(rows);
  }

  toggle(): void {
    this.opened = !this.shown;
    this.byPalm = false;
  }

  /** Follows the hand that carries it; where there is none, it stays before one. */
  step(carrier: Pointer | null, head: THREE.Vector3, ahead: THREE.Vector3): void {
    const { mesh } = this.panel;
    const held = carrier && palmOf(carrier);
    if (held) this.byPalm = palmShows(facing(held.palm, held.at, head), this.byPalm);
    else this.byPalm = false;
    if (carrier) carrier.muted = this.byPalm && carrier.isHand;
    const show = this.opened || this.byPalm;
    const appears = show && !mesh.visible;
    mesh.visible = show;
    if (!show) return;
    if (held) {
      const towards = head.clone().sub(held.at).normalize();
      const place = held.at.clone().addScaledVector(UP, ABOVE).addScaledVector(towards, 0.05);
      mesh.position.lerp(place, appears ? 1 : 0.35);
    } else if (appears) {
      mesh.position.copy(head).addScaledVector(ahead, WRIST_DISTANCE).addScaledVector(UP, -0.15);
    }
    mesh.lookAt(head);
  }

  dispose(): void {
    this.panel.dispose();
  }
}

const UP = new THREE.Vector3(0, 1, 0);
