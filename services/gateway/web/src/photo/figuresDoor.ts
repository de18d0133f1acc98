import type { Figures } from './figures';
import type { Stage } from './stage';

/** The figures of what is drawn: read from the server when somebody first asks for them. */
export class FiguresDoor {
  private figures: Figures | null = null;

  constructor(
    private readonly stage: Stage,
    private readonly place: HTMLElement,
  ) {}

  async toggle(): Promise<void> {
    if (this.figures) {
      this.figures.show(this.figures.element.hidden === true);
      return;
    }
    const { Figures } = await import('./figures');
    this.figures = new Figures(this.stage);
    this.place.append(this.figures.element);
    this.figures.show(true);
  }

  /** Whether there is something to measure. */
  run(runs: boolean): void {
    this.figures?.run(runs);
  }
}
