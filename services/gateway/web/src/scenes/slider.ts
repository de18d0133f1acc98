import { el } from '../ui/dom';

/** Two pictures of the same view, one over the other: dragging the line shows more of either. */
export class BeforeAfter {
  readonly element: HTMLElement;
  private readonly before = el('img', {
    class: 'slider-picture',
    alt: 'Before',
    draggable: 'false',
  });
  private readonly after = el('img', {
    class: 'slider-picture slider-after',
    alt: 'After',
    draggable: 'false',
  });
  private readonly range = el('input', {
    type: 'range',
    class: 'slider-range',
    min: 0,
    max: 100,
    value: 50,
    'aria-label': 'Between before and after',
  });

  constructor() {
    this.element = el(
      'figure',
      { class: 'slider' },
      this.before,
      this.after,
      this.range,
      el('figcaption', {}, 'Before · After'),
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
