import { texts } from '../texts';
import { el } from '../ui/dom';
import type { Stage } from './stage';

/** A line across a photo that is deep: on its left the photo itself, on its right what was made of it. */
export class Compare {
  readonly element: HTMLElement;
  private readonly range = el('input', {
    type: 'range',
    class: 'compare-range',
    min: 0,
    max: 100,
    'aria-label': texts.view.line,
  });

  /** left: it was left, and the focus with it. */
  constructor(
    private readonly stage: Stage,
    left: () => void,
  ) {
    this.element = el('div', { class: 'compare', hidden: true }, this.range);
    this.range.addEventListener('input', () => this.cut());
    this.range.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.hide();
      left();
    });
    stage.on('mode', (mode) => mode === 'flat' && this.hide());
  }

  get isShown(): boolean {
    return !this.element.hidden;
  }

  toggle(): void {
    if (this.isShown) {
      this.hide();
      return;
    }
    this.element.hidden = false;
    this.stage.element.classList.add('is-compared');
    this.range.value = '50';
    this.cut();
    this.range.focus();
  }

  private hide(): void {
    this.element.hidden = true;
    this.stage.element.classList.remove('is-compared');
  }

  private cut(): void {
    const cut = `${this.range.valueAsNumber}%`;
    this.element.style.setProperty('--cut', cut);
    this.stage.element.style.setProperty('--cut', cut);
  }
}
