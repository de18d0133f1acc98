import * as THREE from 'three';
import { type Crop, WHOLE } from '../photo/crop';
import { pictureBall } from '../render/sphere';
import { disposeMesh, ORDER, type PictureMaterial, pictureMaterial } from './paint';
import { aspectOf, type Part, type Projection, partsOf } from './projection';
import { bend, type Spread, screenFor } from './screenShape';

/** Layers that one eye alone sees, as three has them. */
const LEFT = 1;
const RIGHT = 2;
const BALL = 50;

/** A picture or a film before one: flat, gently curved, or all around; the same for both eyes or not. */
export class Screen {
  readonly group = new THREE.Group();
  private meshes: THREE.Mesh<THREE.BufferGeometry, PictureMaterial>[] = [];
  private opacity = 1;

  constructor(readonly texture: THREE.Texture) {}

  /** A picture that fills these angles at this distance. curve: 0 is flat, 1 bent around the viewer. */
  showBefore(
    spread: Spread,
    distance: number,
    curve: number,
    projection: Projection,
    feather = 0,
  ): void {
    const { width, height, right, up } = screenFor(spread, distance);
    const geometry = new THREE.PlaneGeometry(width, height, curve > 0 ? 48 : 1, 1);
    geometry.translate(right, up, 0);
    const places = geometry.getAttribute('position') as THREE.BufferAttribute;
    for (let i = 0; i < places.count; i += 1) {
      const { x, z } = bend(places.getX(i), distance, curve);
      places.setXYZ(i, x, places.getY(i), z);
    }
    this.set(geometry, projection, [feather, (feather * width) / height], THREE.DoubleSide);
  }

  /** All around, or before one from side to side. crop: as much of all around as one picture shows. */
  showAround(projection: Projection, crop: Crop = WHOLE): void {
    const isWhole = projection.shape === '360';
    // Seen from within, and its middle ahead: as it is turned over, its columns run from left to right.
    const geometry = isWhole
      ? pictureBall(projection.layout === 'mono' ? crop : WHOLE)
      : new THREE.SphereGeometry(1, 40, 40, Math.PI / 2, Math.PI).scale(-1, 1, 1).rotateY(Math.PI);
    geometry.scale(BALL, BALL, BALL).rotateY(Math.PI / 2);
    this.set(geometry, projection, isWhole ? [0, 0] : [0.02, 0.02], THREE.DoubleSide);
  }

  setOpacity(opacity: number): void {
    this.opacity = opacity;
    for (const { material } of this.meshes) material.uniforms.opacity.value = opacity;
    this.group.visible = opacity > 0.003;
  }

  dispose(): void {
    this.clear();
    this.group.removeFromParent();
    this.texture.dispose();
  }

  private set(
    geometry: THREE.BufferGeometry,
    projection: Projection,
    feather: [number, number],
    side: THREE.Side,
  ): void {
    this.clear();
    const { left, right } = partsOf(projection);
    const eyes: [Part, number][] =
      projection.layout === 'mono'
        ? [[left, 0]]
        : [
            [left, LEFT],
            [right, RIGHT],
          ];
    this.meshes = eyes.map(([part, layer]) => {
      const material = pictureMaterial(this.texture, { part, feather, side });
      const mesh = new THREE.Mesh(geometry, material);
      mesh.layers.set(layer);
      mesh.renderOrder = ORDER.picture;
      mesh.frustumCulled = false;
      this.group.add(mesh);
      return mesh;
    });
    this.setOpacity(this.opacity);
  }

  private clear(): void {
    for (const mesh of this.meshes) disposeMesh(mesh);
    this.meshes = [];
  }
}

/** How wide and high a film is shown, by its shape: as large as one likes to look at without turning the head. */
export function spreadOfFilm(projection: Projection, width: number, height: number): Spread {
  const aspect = aspectOf(projection, width || 16, height || 9);
  const half = Math.min(0.58, 0.42 * aspect);
  return { left: -half, right: half, bottom: -half / aspect, top: half / aspect };
}
