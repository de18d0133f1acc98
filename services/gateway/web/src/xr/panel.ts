import * as THREE from 'three';
import { disposeMesh, ORDER, type PictureMaterial, pictureMaterial } from './paint';
import { COLOURS, drawItem, fillRound } from './panelDrawing';
import { layPanel, type PanelSize, type Placed, placedAt, type Row } from './panelLayout';
import type { Ray, Target, Touch } from './pointers';

export interface PanelActions {
  press(id: string): void;
  /** part: where in what is scrubbed, 0 to 1; done: whether it was let go of. */
  scrub?(id: string, part: number, done: boolean): void;
  /** Pointed at, without a press; null for no more. */
  hover?(id: string, part: number | null): void;
}

/** Pixels per height of text: twice what a headset of 25 pixels a degree shows of it. */
const TEXT_PIXELS = 44;
const WIDEST = 2048;
/** A flat panel of texts and buttons, drawn on a canvas, pressed by rays. */
export class Panel implements Target {
  readonly mesh: THREE.Mesh<THREE.PlaneGeometry, PictureMaterial>;
  private readonly canvas = document.createElement('canvas');
  private readonly texture = new THREE.CanvasTexture(this.canvas);
  private drawn = '';
  private placed: Placed[] = [];
  private height = 0.1;
  private hovered = '';
  private scrubbing = '';

  constructor(
    readonly name: string,
    private readonly size: PanelSize,
    private readonly actions: PanelActions,
  ) {
    this.texture.colorSpace = THREE.NoColorSpace;
    this.texture.generateMipmaps = true;
    this.texture.minFilter = THREE.LinearMipmapLinearFilter;
    this.texture.anisotropy = 4;
    const material = pictureMaterial(this.texture);
    this.mesh = new THREE.Mesh(new THREE.PlaneGeometry(1, 1), material);
    this.mesh.renderOrder = ORDER.panel;
    this.mesh.name = name;
  }

  /** The buttons that there are now, as somebody sees them. */
  get buttons(): { id: string; label: string; disabled: boolean }[] {
    return this.placed.flatMap(({ button }) =>
      button ? [{ id: button.id, label: button.label, disabled: button.disabled ?? false }] : [],
    );
  }

  get textHeight(): number {
    return this.size.text;
  }

  show(rows: Row[]): void {
    const key = JSON.stringify(rows, (name, value) => (name === 'image' ? undefined : value));
    const moves = rows.some((row) => row.kind === 'scrub' && row.picture);
    if (key === this.drawn && !moves) return;
    this.drawn = key;
    const { height, placed } = layPanel(rows, this.size);
    this.placed = placed;
    if (Math.abs(height - this.height) > 1e-4) {
      this.height = height;
      // A texture keeps the size that it was first stored with.
      this.texture.dispose();
    }
    this.mesh.scale.set(this.size.width, height, 1);
    this.draw();
  }

  /** Where the middle of a button lies, in the panel's own axes; for whoever presses it without eyes. */
  middleOf(id: string): THREE.Vector3 | null {
    const found = this.placed.find(
      ({ button, row }) => button?.id === id || ('id' in row && row.id === id),
    );
    if (!found) return null;
    const x = (found.left + found.width / 2) / this.size.width - 0.5;
    const y = 0.5 - (found.top + found.height / 2) / this.height;
    return this.mesh.localToWorld(new THREE.Vector3(x, y, 0));
  }

  meet(ray: Ray): { distance: number; point: THREE.Vector3 } | null {
    if (!isShown(this.mesh)) return null;
    const local = localRay(this.mesh, ray);
    if (local.direction.z >= 0 || local.origin.z <= 0) return null;
    const t = -local.origin.z / local.direction.z;
    const point = local.at(t, new THREE.Vector3());
    if (Math.abs(point.x) > 0.5 || Math.abs(point.y) > 0.5) return null;
    const world = this.mesh.localToWorld(point.clone());
    return { distance: world.distanceTo(ray.origin), point: world };
  }

  hover(touch: Touch | null): void {
    const found = touch && this.at(touch.point);
    const id = found ? idOf(found.item) : '';
    if (found?.item.row.kind === 'scrub') this.actions.hover?.(id, found.part);
    else if (this.hovered && id !== this.hovered) this.actions.hover?.(this.hovered, null);
    if (id === this.hovered) return;
    this.hovered = id;
    this.draw();
  }

  press(touch: Touch): void {
    const found = this.at(touch.point);
    if (found?.item.row.kind !== 'scrub') return;
    this.scrubbing = found.item.row.id;
    this.actions.scrub?.(this.scrubbing, found.part, false);
  }

  drag(touch: Touch | null): void {
    if (!this.scrubbing || !touch) return;
    const found = this.at(touch.point);
    if (found && idOf(found.item) === this.scrubbing)
      this.actions.scrub?.(this.scrubbing, found.part, false);
  }

  release(touch: Touch | null, clicked: boolean): void {
    const found = touch && this.at(touch.point);
    if (this.scrubbing) {
      const { scrubbing } = this;
      this.scrubbing = '';
      this.actions.scrub?.(scrubbing, found ? found.part : -1, true);
      return;
    }
    if (clicked && found?.item.button) this.actions.press(found.item.button.id);
  }

  dispose(): void {
    disposeMesh(this.mesh);
    this.texture.dispose();
  }

  private at(point: THREE.Vector3): { item: Placed; part: number } | null {
    const local = this.mesh.worldToLocal(point.clone());
    const { width } = this.size;
    return placedAt(this.placed, (local.x + 0.5) * width, (0.5 - local.y) * this.height);
  }

  private draw(): void {
    const scale = Math.min(TEXT_PIXELS / this.size.text, WIDEST / this.size.width);
    const [width, height] = [this.size.width * scale, this.height * scale].map(Math.round);
    this.canvas.width = width as number;
    this.canvas.height = height as number;
    const context = this.canvas.getContext('2d');
    if (!context) return;
    context.scale(scale, scale);
    const { text } = this.size;
    fillRound(
      context,
      { left: 0, top: 0, width: this.size.width, height: this.height },
      text,
      COLOURS.ground,
    );
    for (const item of this.placed) drawItem(context, item, text, this.hovered);
    this.texture.needsUpdate = true;
  }
}

const idOf = ({ row, button }: Placed): string => button?.id ?? ('id' in row ? row.id : '');

export function isShown(object: THREE.Object3D | null): boolean {
  for (let at = object; at; at = at.parent) if (!at.visible) return false;
  return object?.parent !== null;
}

function localRay(mesh: THREE.Mesh, ray: Ray): THREE.Ray {
  const inverse = mesh.matrixWorld.clone().invert();
  return new THREE.Ray(ray.origin.clone(), ray.direction.clone()).applyMatrix4(inverse);
}
