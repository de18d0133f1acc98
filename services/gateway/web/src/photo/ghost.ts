import { prefersStillness } from '../render/device';
import type { Viewport } from '../render/viewport';
import { el } from '../ui/dom';

/** The picture drawn so far, which stays on top and fades while another mode is drawn below. */
export class Ghost {
  readonly element = el('canvas', { class: 'ghost', 'aria-hidden': 'true' });

  /** opacity: of what is seen of the viewport now. */
  fade(viewport: Viewport, opacity: number, seconds: number): void {
    this.element.getAnimations().forEach((animation) => {
      animation.cancel();
    });
    // At rest the photo itself is seen: nothing of what was drawn fades.
    if (opacity === 0 || prefersStillness()) return;
    viewport.copyTo(this.element);
    this.element.animate([{ opacity }, { opacity: 0 }], {
      duration: seconds * 1000,
      fill: 'forwards',
    });
  }
}
