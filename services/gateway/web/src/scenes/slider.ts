import { texts } from '../texts';
import { el } from '../ui/dom';

const t = texts.scenes;

/** Two pictures of the same view, one over the other: dragging the line shows more of either. */
export class BeforeAfter {
  readonly element: HTMLElement;
  private readonly before = el('img', {
    class: 'slider-picture',
    alt: t.before,
    draggable: 'false',
  });
  private readonly after = el('img', {
    class: 'slider-picture slider-after',
    alt: t.after,
    draggable: 'false',
  });
  private readonly range = el('input', {
    type: 'range',
    class: 'slider-range',
    min: 0,
    max: 100,
    value: 50,
    'aria-label': t.between,
  });

  constructor() {
    this.element = el(
      'figure',
      { class: 'slider' },
      this.before,
      this.after,
      this.range,
      el('figcaption', {}, `${t.before} · ${t.after}`),
    );
    this.range.addEventListener('input', () => this.cut());
    this.cut();
  }

  show(before: string, after: string): void {
    this.before.src = before;
    this.after.src = after;
  }

  private cut(): void {
    const share = this.range.valueAsNumber;
    this.after.style.clipPath = `inset(0 0 0 ${share}%)`;
    this.element.style.setProperty('--cut', `${share}%`);
  }
}
