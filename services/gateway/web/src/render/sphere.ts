import * as THREE from 'three';
import { glFence } from '../graphics/webgl';
import { type Crop, WHOLE } from '../photo/crop';
import { FrameLoop } from './loop';

const USUAL_FOV = 75;
const NARROWEST_FOV = 25;
const WIDEST_FOV = 100;
/** Dragging over the whole view turns by as much as is seen. */
const STEEPEST = Math.PI / 2 - 0.01;
const SEGMENTS = [64, 32] as const;

/**
 * A ball seen from within, the middle of a picture of all directions along +x, what is right of that along +z; as much
 * of it as the picture shows.
 */
export const pictureBall = ({ left, top, width, height }: Crop = WHOLE): THREE.SphereGeometry =>
  new THREE.SphereGeometry(
    1,
    ...SEGMENTS,
    left * 2 * Math.PI,
    width * 2 * Math.PI,
    top * Math.PI,
    height * Math.PI,
  )
    .scale(-1, 1, 1)
    .rotateY(Math.PI);

/** Angles from the middle of a picture of all directions: to the left and up to the middle of a crop, and how far one
 * may turn from there, so that one goes on looking at it. */
export function lookOf({ left, top, width, height }: Crop) {
  return {
    yaw: (0.5 - left - width / 2) * 2 * Math.PI,
    pitch: (0.5 - top - height / 2) * Math.PI,
    aside: width < 1 ? width * Math.PI : Number.POSITIVE_INFINITY,
    above: Math.min((height * Math.PI) / 2, STEEPEST),
  };
}

/** Where one looks, turned to the left and up by these angles from the middle of the picture. */
export const towards = (yaw: number, pitch: number): [number, number, number] => [
  Math.cos(yaw) * Math.cos(pitch),
  Math.sin(pitch),
  -Math.sin(yaw) * Math.cos(pitch),
];

/** A picture of all directions, seen from its middle. */
export class SphereView {
  private readonly renderer: THREE.WebGLRenderer;
  private readonly scene = new THREE.Scene();
  private readonly camera = new THREE.PerspectiveCamera(USUAL_FOV, 1, 0.1, 10);
  private readonly texture = new THREE.Texture();
  private readonly material = new THREE.MeshBasicMaterial({ map: this.texture });
  private readonly sphere: THREE.SphereGeometry;
  private readonly look: ReturnType<typeof lookOf>;
  private readonly loop: FrameLoop;
  private readonly resized: ResizeObserver;
  private yaw: number;
  private pitch: number;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    crop: Crop,
    onFrame: () => void,
  ) {
    this.sphere = pictureBall(crop);
    this.look = lookOf(crop);
    this.yaw = this.look.yaw;
    this.pitch = this.look.pitch;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: false });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.texture.colorSpace = THREE.SRGBColorSpace;
    this.scene.add(new THREE.Mesh(this.sphere, this.material));
    this.loop = new FrameLoop(glFence(this.renderer), () => {
      this.render();
      onFrame();
      return false;
    });
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(canvas);
  }

  /** Shows a picture; a sharper one may follow. */
  show(image: HTMLImageElement): void {
    this.texture.image = this.fitting(image);
    this.texture.needsUpdate = true;
    this.loop.invalidate();
  }

  /** By parts of the view's width. */
  turnBy(dx: number, dy: number): void {
    const across = (this.camera.fov * this.camera.aspect * Math.PI) / 180;
    const { yaw, pitch, aside, above } = this.look;
    this.yaw = yaw + clamp(this.yaw + dx * across - yaw, aside);
    this.pitch = clamp(pitch + clamp(this.pitch + dy * across - pitch, above), STEEPEST);
    this.loop.invalidate();
  }

  /** Positive comes closer. */
  zoomBy(amount: number): void {
    const fov = this.camera.fov * Math.exp(-amount);
    this.camera.fov = Math.min(Math.max(fov, NARROWEST_FOV), WIDEST_FOV);
    this.camera.updateProjectionMatrix();
    this.loop.invalidate();
  }

  reset(): void {
    this.yaw = this.look.yaw;
    this.pitch = this.look.pitch;
    this.camera.fov = USUAL_FOV;
    this.camera.updateProjectionMatrix();
    this.loop.invalidate();
  }

  dispose(): void {
    this.loop.dispose();
    this.resized.disconnect();
    this.texture.dispose();
    this.material.dispose();
    this.sphere.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
  }

  /** What a graphics device takes: larger pictures are drawn smaller first. */
  private fitting(image: HTMLImageElement): HTMLImageElement | HTMLCanvasElement {
    const most = this.renderer.capabilities.maxTextureSize;
    if (image.naturalWidth <= most) return image;
    const canvas = document.createElement('canvas');
    canvas.width = most;
    canvas.height = Math.round((image.naturalHeight * most) / image.naturalWidth);
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.camera.aspect = clientWidth / clientHeight;
    this.camera.updateProjectionMatrix();
    this.loop.invalidate();
  }

  private render(): void {
    this.camera.lookAt(...towards(this.yaw, this.pitch));
    this.renderer.render(this.scene, this.camera);
  }
}

const clamp = (value: number, most: number): number => Math.min(Math.max(value, -most), most);
