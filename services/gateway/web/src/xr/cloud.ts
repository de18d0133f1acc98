import type * as THREE from 'three';
import type { SplatScene } from '../render/splats';

/** Spark in VR: made when splats are shown for the first time, and one for all rooms, of which one is shown. */
export class Cloud {
  private scene: SplatScene | null = null;

  constructor(
    private readonly renderer: THREE.WebGLRenderer,
    private readonly budget: number | null,
  ) {}

  readonly get = async (): Promise<SplatScene> => {
    if (this.scene) return this.scene;
    const { SplatScene } = await import('../render/splats');
    this.scene ??= new SplatScene(this.renderer, this.budget, () => {});
    return this.scene;
  };

  /** The device was lost: what Spark had there cannot be brought back, and is made anew. */
  forget(): void {
    this.scene = null;
  }

  async dispose(): Promise<void> {
    const { scene } = this;
    this.scene = null;
    await scene?.idle();
    scene?.dispose();
  }
}
