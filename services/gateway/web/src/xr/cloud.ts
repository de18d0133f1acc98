import type * as THREE from 'three';
import type { SplatScene } from '../render/splats';

/** Spark in VR: made when splats are shown for the first time, and one for all rooms, of which one is shown. */
export class Cloud {
  private scene: SplatScene | null = null;
  private over = false;

  constructor(
    private readonly renderer: THREE.WebGLRenderer,
    private readonly budget: number | null,
  ) {}

  readonly get = async (): Promise<SplatScene> => {
    if (this.scene) return this.scene;
    const { SplatScene } = await import('../render/splats');
    if (this.over) throw new DOMException('there is nothing to draw on any more', 'AbortError');
    this.scene ??= new SplatScene(this.renderer, this.budget, () => {});
    return this.scene;
  };

  /** The device was lost: what Spark had there cannot be brought back, and is made anew. */
  forget(): void {
    void this.drop();
  }

  async dispose(): Promise<void> {
    this.over = true;
    await this.drop();
  }

  private async drop(): Promise<void> {
    const { scene } = this;
    this.scene = null;
    await scene?.idle();
    scene?.dispose();
  }
}
