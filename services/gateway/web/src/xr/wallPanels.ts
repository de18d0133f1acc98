import type * as THREE from 'three';
import { radians } from './angles';
import { Panel } from './panel';
import { WALL_TEXT, type WallShape } from './wallLayout';
import {
  type HeadState,
  headRows,
  type SearchState,
  type ShelvesState,
  searchRows,
  shelfRows,
} from './wallRows';

const HEAD_Z = -2.15;
const ASIDE = 1.9;
const GAP = 0.04;

interface WallPanelActions {
  press(id: string): void;
  /** part: of all that the wall shows, 0 to 1. */
  goToPart(part: number): void;
}

/** What stands above and beside the wall: what it shows, the shelves, the search. */
export class WallPanels {
  readonly all: readonly Panel[];
  private readonly head: Panel;
  private readonly shelves: Panel;
  private readonly search: Panel;
  /** How high the wall reaches. */
  private top = 0;

  constructor({ press, goToPart }: WallPanelActions) {
    this.shelves = new Panel(
      'shelves',
      { width: 1, text: WALL_TEXT * 0.92 * (ASIDE / 2.2) },
      { press },
    );
    this.head = new Panel(
      'head',
      { width: 1.5, text: WALL_TEXT },
      { press, scrub: (_, part) => part >= 0 && goToPart(part) },
    );
    this.search = new Panel('search', { width: 1.1, text: WALL_TEXT }, { press });
    this.search.mesh.visible = false;
    this.all = [this.shelves, this.head, this.search];
  }

  tell(head: HeadState, shelves: ShelvesState, search: SearchState | null): void {
    this.head.show(headRows(head));
    this.seatHead();
    this.shelves.show(shelfRows(shelves));
    this.search.mesh.visible = search !== null;
    if (search) this.search.show(searchRows(search));
  }

  /** Puts them around a wall of this shape. */
  arrange({ rows, rise, columns, pitch }: WallShape): void {
    this.top = (rows / 2) * rise;
    this.seatHead();
    const aside = Math.min((columns / 2) * pitch + radians(17), radians(84));
    turnAround(this.shelves.mesh, -aside, 0);
    turnAround(this.search.mesh, aside, 0.1);
  }

  /** Puts the head on top of the wall, however high what it says makes it. */
  private seatHead(): void {
    const { mesh } = this.head;
    mesh.position.set(0, this.top + mesh.scale.y / 2 + GAP, HEAD_Z);
    mesh.rotation.set(0.12, 0, 0);
  }

  /** Where something on them is in the world, by its name. */
  placeOf(name: string): THREE.Vector3 | null {
    for (const panel of this.all) {
      const found = panel.mesh.visible ? panel.middleOf(name) : null;
      if (found) return found;
    }
    return null;
  }

  dispose(): void {
    for (const panel of this.all) panel.dispose();
  }
}

/** Puts a panel at an angle to the side, turned to the viewer. */
function turnAround(mesh: THREE.Object3D, azimuth: number, y: number): void {
  mesh.position.set(Math.sin(azimuth) * ASIDE, y, -Math.cos(azimuth) * ASIDE);
  mesh.rotation.set(0, -azimuth, 0);
}
