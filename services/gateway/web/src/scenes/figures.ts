import { type Backend, graphics } from '../graphics/backend';
import { whyWords } from '../graphics/words';
import { Rate } from '../live-page/meters';
import { texts } from '../texts';
import { decimals } from '../texts/language';
import { FigureList } from '../ui/figureList';
import type { Drawn } from './stage';

/** What draws a scene, and how fast. */
export class SceneFigures extends FigureList {
  private frames = new Rate();
  private last: (Drawn & { backend: Backend }) | null = null;

  take(drawn: Drawn & { backend: Backend }): void {
    this.last = drawn;
    this.frames.add(performance.now());
  }

  /** Tells nothing of what was drawn up to now, and is not shown. */
  forget(): void {
    this.last = null;
    this.frames = new Rate();
    this.show(false);
  }

  protected override facts(): [string, string][] {
    const t = texts.figures;
    if (!this.last) return [];
    const { backend, splats, points } = this.last;
    return [
      [t.drawnBy, t.device[backend]],
      [t.webgpu, whyWords(graphics.choice)],
      [t.splats, splats > 0 ? decimals(splats) : ''],
      [t.points, points > 0 ? decimals(points) : ''],
      [t.frames, decimals(this.frames.perSecond(performance.now()), 1)],
    ];
  }
}
