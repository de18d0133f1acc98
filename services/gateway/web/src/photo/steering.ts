import type { FlatPicture } from './flat';
import type { Sphere } from './sphere';

/** What is leaned in: drawn by this device or by the server. */
interface Leanable {
  orbitBy(dx: number, dy: number): void;
  dollyBy(amount: number): void;
  leanTo(x: number, y: number): void;
  reset(): void;
}

/** A key that comes closer by this part of the way enlarges a flat photo by e to this power of it. */
const KEY_ZOOM = 4;

/** Has whatever of a photo is seen move: all around, deep, or flat. */
export class Steering {
  constructor(
    private readonly sphere: Sphere,
    private readonly flat: FlatPicture,
    /** What is deep and seen; null where nothing is. */
    private readonly deep: () => Leanable | null,
    private readonly isFlat: () => boolean,
  ) {}

  /** Whether dragging looks around, in what is deep or all around. */
  get looksAround(): boolean {
    return !this.isFlat() || this.sphere.isShown;
  }

  orbitBy(dx: number, dy: number): void {
    if (this.sphere.isShown) this.sphere.turnBy(dx, dy);
    else if (!this.isFlat()) this.deep()?.orbitBy(dx, dy);
  }

  dollyBy(amount: number): void {
    if (this.sphere.isShown) this.sphere.zoomBy(amount);
    else if (!this.isFlat()) this.deep()?.dollyBy(amount);
  }

  /** The same for whoever is flat: enlarges the picture around its middle. */
  comeCloser(amount: number): void {
    if (!this.looksAround) this.flat.zoomBy(Math.exp(amount * KEY_ZOOM));
    else this.dollyBy(amount);
  }

  /** Leans to a place between the limits of this photo: -1 to 1, right and up. */
  leanTo(x: number, y: number): void {
    if (!this.isFlat()) this.deep()?.leanTo(x, y);
  }

  reset(): void {
    if (this.sphere.isShown) this.sphere.reset();
    else if (this.isFlat()) this.flat.resetZoom();
    else this.deep()?.reset();
  }
}
