import * as THREE from 'three';
import { plainPoints } from '../render/cloud';
import { layerByShaders } from '../render/layer';
import type { Drawing, Fence, Surface } from './surface';

/** Draws on this canvas by WebGL 2. lost: the device is gone, and what it held. */
export const openWebGl = (canvas: HTMLCanvasElement, lost: () => void): Drawing<WebGlSurface> => ({
  surface: new WebGlSurface(canvas, lost),
  cloudOf: plainPoints(),
  layerOf: layerByShaders,
});

/** WebGL 2 on a canvas. */
export class WebGlSurface implements Surface {
  readonly backend = 'webgl2';
  readonly renderer: THREE.WebGLRenderer;
  readonly fence: Fence;
  private readonly over = new AbortController();

  /** lost: the device is gone, and what it held. */
  constructor(
    readonly canvas: HTMLCanvasElement,
    lost: () => void,
  ) {
    this.renderer = new THREE.WebGLRenderer({
      canvas,
      antialias: false,
      alpha: true,
      powerPreference: 'high-performance',
    });
    this.renderer.setClearColor(0x000000, 0);
    this.fence = glFence(this.renderer);
    const onLost = (event: Event) => {
      event.preventDefault();
      lost();
    };
    canvas.addEventListener('webglcontextlost', onLost, { signal: this.over.signal });
  }

  get maxAnisotropy(): number {
    return this.renderer.capabilities.getMaxAnisotropy();
  }

  get pixelRatio(): number {
    return this.renderer.getPixelRatio();
  }

  setSize(width: number, height: number, pixelRatio: number): void {
    this.renderer.setPixelRatio(pixelRatio);
    this.renderer.setSize(width, height, false);
  }

  keepWithin(x: number, y: number, width: number, height: number): void {
    this.renderer.setScissor(x, y, width, height);
    this.renderer.setScissorTest(true);
  }

  async prepare(what: THREE.Object3D, camera: THREE.Camera, scene?: THREE.Scene): Promise<void> {
    this.renderer.compile(what, camera, scene);
  }

  render(scene: THREE.Scene, camera: THREE.Camera): void {
    this.renderer.render(scene, camera);
  }

  dispose(): void {
    this.over.abort();
    this.renderer.dispose();
    if (!this.renderer.getContext().isContextLost()) this.renderer.forceContextLoss();
  }
}

export function glFence(renderer: THREE.WebGLRenderer): Fence {
  const gl = renderer.getContext() as WebGL2RenderingContext;
  let fence: WebGLSync | null = null;
  return {
    place() {
      fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
      gl.flush();
    },
    isPending() {
      if (!fence) return false;
      const isDone = gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.UNSIGNALED;
      if (!isDone && !gl.isContextLost()) return true;
      gl.deleteSync(fence);
      fence = null;
      return false;
    },
  };
}
