import * as THREE from 'three';
import { Renderer, WebGPUBackend } from 'three/webgpu';
import type { Fence, Surface } from './surface';

export { layerByNodes } from './webgpuLayers';
export { pointsByNodes } from './webgpuPoints';

/** WebGPU on a canvas, with a device of its own. */
export class WebGpuSurface implements Surface {
  readonly backend = 'webgpu';
  readonly fence: Fence;
  private isOver = false;

  private constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly renderer: Renderer,
    private readonly device: GPUDevice,
    private readonly gone: (why: 'lost' | 'failed') => void,
  ) {
    this.fence = deviceFence(device);
    // Bytes go to the screen as they are: what is read and what is written are in the same space.
    renderer.outputColorSpace = THREE.LinearSRGBColorSpace;
    renderer.setClearColor(0x000000, 0);
    void device.lost.then(() => this.end('lost'));
    renderer.onDeviceLost = () => {};
    renderer.onError = () => this.end('failed');
    this.watchPipelines();
  }

  /** gone: nothing is drawn on this canvas any more. Throws where there is nothing to draw with. */
  static async open(
    canvas: HTMLCanvasElement,
    device: GPUDevice,
    gone: (why: 'lost' | 'failed') => void,
  ): Promise<WebGpuSurface> {
    try {
      const context = canvas.getContext('webgpu');
      if (!context) throw new Error('this canvas is not drawn on by WebGPU');
      const backend = new WebGPUBackend({ canvas, device, context, alpha: true });
      const renderer = new Renderer(backend, { alpha: true });
      await renderer.init();
      return new WebGpuSurface(canvas, renderer, device, gone);
    } catch (error) {
      device.destroy();
      throw error;
    }
  }

  get maxAnisotropy(): number {
    return this.renderer.getMaxAnisotropy();
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

  /** What cannot be had ready ends WebGPU here: `gone` tells it. */
  async prepare(what: THREE.Object3D, camera: THREE.Camera, scene?: THREE.Scene): Promise<void> {
    if (this.isOver) return;
    try {
      await this.renderer.compileAsync(what, camera, scene);
    } catch {
      this.end('failed');
    }
  }

  /** What cannot be drawn, or only in part, ends WebGPU here: `gone` tells it, at once or once the device has. */
  render(scene: THREE.Scene, camera: THREE.Camera): void {
    if (this.isOver) return;
    try {
      this.renderer.render(scene, camera);
    } catch {
      this.end('failed');
    }
  }

  dispose(): void {
    this.isOver = true;
    const destroy = () => this.device.destroy();
    // A renderer that failed may fail in this too; with its device everything goes.
    this.renderer.dispose().then(destroy, destroy);
  }

  /** three says of a pipeline that cannot be made only on the console, and leaves out what it would draw. */
  private watchPipelines(): void {
    const { device } = this;
    const create = device.createRenderPipelineAsync.bind(device);
    device.createRenderPipelineAsync = (of) =>
      create(of).catch((error: unknown) => {
        this.end('failed');
        throw error;
      });
    const popErrorScope = device.popErrorScope.bind(device);
    device.popErrorScope = async () => {
      const error = await popErrorScope();
      if (error) this.end('failed');
      return error;
    };
  }

  private end(why: 'lost' | 'failed'): void {
    if (this.isOver) return;
    this.isOver = true;
    this.gone(why);
  }
}

function deviceFence({ queue }: GPUDevice): Fence {
  let placed = 0;
  let passed = 0;
  return {
    place() {
      placed += 1;
      const mine = placed;
      const pass = () => {
        passed = Math.max(passed, mine);
      };
      queue.onSubmittedWorkDone().then(pass, pass);
    },
    isPending: () => passed < placed,
  };
}
