import { prefersStillness } from '../render/device';
import type { Viewport } from '../render/viewport';
import { el } from '../ui/dom';

/** The picture drawn so far, which stays on top and fades while another mode is drawn below. */
export class Ghost {
  readonly element = el('canvas', { class: 'ghost', 'aria-hidden': 'true' });

  /** opacity: of what is seen of the viewport now. */
  fade(viewport: Viewport, opacity: number, seconds: number): void {
    if (prefersStillness()) return;
    viewport.copyTo(this.element);
    this.element.getAnimations().forEach((animation) => {
      animation.cancel();
    });
    this.element.animate([{ opacity }, { opacity: 0 }], {
      duration: seconds * 1000,
      fill: 'forwards',
    });
  }
}
