import { texts } from '../texts';
import { el } from './dom';

const REFRESH_MS = 500;

/** Figures with their names, told anew twice a second while they are shown. */
export abstract class FigureList {
  readonly element = el('dl', { class: 'figures facts', 'aria-label': texts.figures.label });
  private timer = 0;

  /** What is told now; what has no value is left out. */
  protected abstract facts(): [name: string, value: string][];

  show(isShown: boolean): void {
    this.element.hidden = !isShown;
    this.run(isShown);
  }

  /** Goes on telling where it is shown, or rests. */
  run(isRunning: boolean): void {
    window.clearInterval(this.timer);
    if (!isRunning || this.element.hidden) return;
    this.refresh();
    this.timer = window.setInterval(() => this.refresh(), REFRESH_MS);
  }

  protected refresh(): void {
    const rows = this.facts().filter(([, value]) => value !== '');
    this.element.replaceChildren(
      ...rows.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))),
    );
  }
}
