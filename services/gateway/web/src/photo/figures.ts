import { graphics } from '../graphics/backend';
import { whyWords } from '../graphics/words';
import { Rate, Recent } from '../live-page/meters';
import { catalogue, texts } from '../texts';
import { decimals } from '../texts/language';
import { FigureList } from '../ui/figureList';
import { bytesWords } from '../ui/words';
import type { Drawn } from './sight';
import type { Stage } from './stage';

/** What draws a photo, and how fast: for whoever wonders why it is slow. */
export class Figures extends FigureList {
  private readonly frames = new Rate();
  private readonly latency = new Recent(30);

  /** last: of the picture that is seen; null where nothing was drawn. */
  constructor(
    stage: Pick<Stage, 'on'>,
    private last: Drawn | null,
  ) {
    super();
    stage.on('figures', (drawn) => this.take(drawn));
    stage.on('mode', (mode) => {
      if (mode !== 'flat') return;
      this.last = null;
      this.refresh();
    });
  }

  private take(drawn: Drawn): void {
    if ((drawn.there === null) !== (this.last?.there === null)) this.latency.clear();
    this.last = drawn;
    this.frames.add(performance.now());
    if (drawn.there) this.latency.add(drawn.there.latencyMs);
  }

  protected override facts(): [string, string][] {
    const t = texts.figures;
    const { last } = this;
    if (!last) return [[t.drawnBy, t.flat]];
    const { splats, there } = last;
    const backend = splats > 0 ? 'webgl2' : (graphics.choice?.backend ?? 'webgl2');
    return [
      [t.drawnBy, there ? t.server(there.renderer) : t.device[backend]],
      [t.webgpu, there ? '' : whyWords(graphics.choice)],
      [t.splats, splats > 0 ? decimals(splats) : ''],
      [t.frames, decimals(this.frames.perSecond(performance.now()), 1)],
      ...this.fromServer(there),
    ];
  }

  private fromServer(there: Drawn['there']): [string, string][] {
    if (!there) return [];
    const t = texts.figures;
    const ms = (value: number) => `${decimals(value)} ms`;
    return [
      [t.latency, ms(this.latency.quantile(0.5))],
      [t.rendered, ms(there.renderMs)],
      [t.picture, `${there.width} × ${there.height}, ${bytesWords(there.bytes)}`],
      [t.skipped, there.dropped ? decimals(there.dropped) : ''],
      [t.why, catalogue.told(there.reason)],
    ];
  }
}
