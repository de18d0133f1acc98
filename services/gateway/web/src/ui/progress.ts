import { el } from './dom';

/** A progress bar; `set(null)` says that the end is not known. */
export class ProgressBar {
  readonly element: HTMLElement;
  private readonly fill = el('span', { class: 'progress-fill' });

  constructor(label: string) {
    this.element = el(
      'span',
      {
        class: 'progress',
        role: 'progressbar',
        'aria-label': label,
        'aria-valuemin': 0,
        'aria-valuemax': 100,
      },
      this.fill,
    );
  }

  set(percent: number | null): void {
    this.element.classList.toggle('is-indeterminate', percent === null);
    if (percent === null) {
      this.element.removeAttribute('aria-valuenow');
      this.fill.style.removeProperty('transform');
      return;
    }
    this.element.setAttribute('aria-valuenow', String(percent));
    this.fill.style.transform = `scaleX(${percent / 100})`;
  }
}
