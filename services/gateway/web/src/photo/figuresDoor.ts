import type { Figures } from './figures';
import type { Drawn } from './sight';
import type { Stage } from './stage';

/** The figures of what is drawn: read from the server when somebody first asks for them. */
export class FiguresDoor {
  private coming: Promise<Figures> | null = null;
  private figures: Figures | null = null;
  private isWanted = false;
  private runs = false;
  /** Of the picture that is seen, which may be at rest. */
  private last: Drawn | null = null;

  constructor(
    private readonly stage: Pick<Stage, 'on'>,
    private readonly place: Pick<HTMLElement, 'append'>,
  ) {
    stage.on('figures', (drawn) => {
      this.last = drawn;
    });
    stage.on('mode', (mode) => {
      if (mode === 'flat') this.last = null;
    });
  }

  async toggle(): Promise<void> {
    this.isWanted = !this.isWanted;
    this.coming ??= this.read();
    const figures = await this.coming;
    figures.show(this.isWanted);
    figures.run(this.runs);
  }

  /** Whether there is something to measure. */
  run(runs: boolean): void {
    this.runs = runs;
    this.figures?.run(runs);
  }

  private async read(): Promise<Figures> {
    try {
      const { Figures } = await import('./figures');
      this.figures = new Figures(this.stage, this.last);
      this.place.append(this.figures.element);
      return this.figures;
    } catch (error) {
      this.coming = null;
      this.isWanted = false;
      throw error;
    }
  }
}
