/** From this lean on, about in radians, 3D alone is seen; at rest, the photo itself. */
const WHOLLY_DEEP = 0.01;

/** How much of what is seen is 3D and how much the photo itself, which lies in the same place. */
export class Seen {
  /** 0 at rest, 1 while one leans. */
  part = 0;

  constructor(private readonly element: HTMLElement) {}

  /** 3D comes or goes, at once or gently. */
  fade(isDeep: boolean, atOnce: boolean): void {
    this.element.classList.toggle('is-instant', atOnce);
    this.element.classList.toggle('is-deep', isDeep);
    if (!isDeep) this.lean(0);
  }

  /** At rest the photo itself is seen; 3D comes with the first of a lean. */
  lean(lean: number): void {
    const part = Math.min(lean / WHOLLY_DEEP, 1);
    this.part = part * part * (3 - 2 * part);
    this.element.style.setProperty('--seen', this.part.toFixed(3));
    this.element.classList.toggle('leans', part === 1);
  }
}
