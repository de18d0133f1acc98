import type * as THREE from 'three';
import type { CloudOf } from '../render/cloud';
import type { LayerOf } from '../render/layer';
import type { Backend } from './backend';

/** Tells whether the graphics device is done with what it was given last. */
export interface Fence {
  /** What was given up to now is what is waited for. */
  place(): void;
  isPending(): boolean;
}

/** A canvas, and what draws scenes of three on it; bytes of colours go to the screen as they are. */
export interface Surface {
  readonly backend: Backend;
  readonly canvas: HTMLCanvasElement;
  readonly fence: Fence;
  /** How many samples along a slant a texture may have. */
  readonly maxAnisotropy: number;
  /** Device pixels for each of the page's. */
  readonly pixelRatio: number;

  /** In the page's pixels. */
  setSize(width: number, height: number, pixelRatio: number): void;
  /** Draws nothing outside of this box, in the page's pixels. */
  keepWithin(x: number, y: number, width: number, height: number): void;
  /** Has ready what is drawn, so that its first frame is not late. scene: that it will come into. */
  prepare(what: THREE.Object3D, camera: THREE.Camera, scene?: THREE.Scene): Promise<void>;
  render(scene: THREE.Scene, camera: THREE.Camera): void;
  /** Gives the device back. */
  dispose(): void;
}

/** A canvas, and how points and layers of depth are drawn on it. */
export interface Drawing<S extends Surface = Surface> {
  surface: S;
  cloudOf: CloudOf;
  layerOf: LayerOf;
}
