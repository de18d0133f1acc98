import * as THREE from 'three';
import type { SourceCamera } from '../api/schema';
import { coveringZoom, type Reaches, reachesOf } from './framing';
import { type LayerOf, layerByShaders } from './layer';

/**
 * A photo as two displaced grids (a layered depth image): in front the photo itself,
 * behind it what the server painted behind depth edges. Where the front would be stretched like
 * rubber between near and far, it fades away and the back shows.
 */
export interface DepthSource {
  colour: HTMLImageElement;
  disparity: HTMLImageElement;
  background: HTMLImageElement | null;
  backgroundDisparity: HTMLImageElement | null;
  near: number;
  far: number;
  camera: SourceCamera;
}

/** A front cell stretched to this many times its size is gone; half of that, it starts to fade. */
const STRETCH_GONE = 3.2;
const SAMPLES = 48;

/** A place on a side of a photo, in parts of it from the top left, and how far away it is. */
type Border = { across: number; down: number; depth: number };

/** The meshes of a photo with depth, and how far away its middle and its nearest parts are. */
export class DepthScene {
  readonly scene = new THREE.Scene();
  readonly focus: number;
  readonly nearest: number;
  private readonly restSize = new THREE.Vector2(1, 1);
  private readonly disposables: { dispose(): void }[] = [];
  private readonly border: Record<keyof Reaches, Border[]>;

  constructor(
    private readonly source: DepthSource,
    columns: number,
    maxAnisotropy: number,
    private readonly layerOf: LayerOf = layerByShaders,
  ) {
    const { near, far, background, backgroundDisparity } = source;
    const toDepth = (value: number) => 1 / (value * (1 / near - 1 / far) + 1 / far);
    const front = sampleGrey(source.disparity);
    this.focus = toDepth(front.reduce((sum, value) => sum + value, 0) / front.length);
    this.nearest = toDepth(quantile(front, 0.98));
    const layers = backgroundDisparity ? [front, sampleGrey(backgroundDisparity)] : [front];
    this.border = borderOf(layers.map((values) => values.map(toDepth)));
    const grid = this.grid(columns);
    if (background && backgroundDisparity) {
      const back = this.layer(grid, background, backgroundDisparity, 0, maxAnisotropy);
      back.renderOrder = -1;
      back.material.depthWrite = false;
    }
    const gone = background ? STRETCH_GONE : 0;
    this.layer(grid, source.colour, source.disparity, gone, maxAnisotropy);
  }

  /** Sets how large the photo is on screen at rest, in device pixels. */
  setRestSize(width: number, height: number): void {
    this.restSize.set(width, height);
  }

  setScale(scale: number): void {
    this.scene.scale.setScalar(scale);
  }

  /** By how much the lens has to close in so that the photo, seen by this camera, fills its place at rest. */
  zoomFor(camera: THREE.PerspectiveCamera): number {
    const { fx, fy, cx, cy, width, height } = this.source.camera;
    const seen = ({ across, down, depth }: Border) =>
      new THREE.Vector3((across * width - cx) / fx, (cy - down * height) / fy, -1)
        .multiplyScalar(depth * this.scene.scale.x)
        .applyMatrix4(camera.matrixWorldInverse);
    const { left, right, bottom, top } = this.border;
    return coveringZoom(
      {
        left: left.map(seen),
        right: right.map(seen),
        bottom: bottom.map(seen),
        top: top.map(seen),
      },
      reachesOf(this.source.camera),
    );
  }

  dispose(): void {
    for (const item of this.disposables) item.dispose();
    this.scene.clear();
  }

  private grid(columns: number): THREE.PlaneGeometry {
    const { width, height } = this.source.camera;
    const rows = Math.max(2, Math.round((columns * height) / width));
    const grid = new THREE.PlaneGeometry(1, 1, columns, rows);
    this.disposables.push(grid);
    return grid;
  }

  private layer(
    grid: THREE.PlaneGeometry,
    colour: HTMLImageElement,
    disparity: HTMLImageElement,
    stretchGone: number,
    anisotropy: number,
  ): THREE.Mesh<THREE.PlaneGeometry, THREE.Material> {
    const { near, far, camera } = this.source;
    const colourMap = texture(colour);
    colourMap.generateMipmaps = true;
    colourMap.minFilter = THREE.LinearMipmapLinearFilter;
    colourMap.anisotropy = Math.min(anisotropy, 4);
    const disparityMap = texture(disparity);
    // A vertex between near and far would belong to neither.
    disparityMap.minFilter = THREE.NearestFilter;
    disparityMap.magFilter = THREE.NearestFilter;
    const { fx, fy, cx, cy, width, height } = camera;
    const material = this.layerOf({
      colour: colourMap,
      disparity: disparityMap,
      inverseRange: new THREE.Vector2(1 / far, 1 / near),
      intrinsics: new THREE.Vector4(fx / width, fy / height, cx / width, cy / height),
      restSize: this.restSize,
      stretchGone,
    });
    const mesh = new THREE.Mesh(grid, material);
    mesh.frustumCulled = false;
    this.scene.add(mesh);
    this.disposables.push(colourMap, disparityMap, material);
    return mesh;
  }
}

function texture(image: HTMLImageElement): THREE.Texture {
  const map = new THREE.Texture(image);
  map.colorSpace = THREE.NoColorSpace;
  map.generateMipmaps = false;
  map.needsUpdate = true;
  return map;
}

/** What lies on the sides of a photo. layers: the depths of small samples of it, row by row. */
export function borderOf(layers: number[][]): Record<keyof Reaches, Border[]> {
  const side = (place: (along: number) => [column: number, row: number]) =>
    layers.flatMap((depths) => {
      const last = Math.round(Math.sqrt(depths.length)) - 1;
      return Array.from({ length: last + 1 }, (_, index) => {
        const [across, down] = place(index / last);
        return {
          across,
          down,
          depth: depths[Math.round((down * (last + 1) + across) * last)] ?? 1,
        };
      });
    });
  return {
    left: side((along) => [0, along]),
    right: side((along) => [1, along]),
    bottom: side((along) => [along, 1]),
    top: side((along) => [along, 0]),
  };
}

/** A small sample of a grey image, row by row, each in [0, 1]. */
function sampleGrey(image: HTMLImageElement): number[] {
  const canvas = document.createElement('canvas');
  canvas.width = SAMPLES;
  canvas.height = SAMPLES;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return Array<number>(SAMPLES * SAMPLES).fill(0.5);
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, SAMPLES, SAMPLES);
  const { data } = context.getImageData(0, 0, SAMPLES, SAMPLES);
  const values: number[] = [];
  for (let i = 0; i < data.length; i += 4) values.push((data[i] as number) / 255);
  return values;
}

function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(q * (sorted.length - 1))] ?? 0.5;
}
