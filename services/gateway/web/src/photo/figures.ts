import { Rate, Recent } from '../live-page/meters';
import { texts } from '../texts';
import { decimals } from '../texts/language';
import { el } from '../ui/dom';
import { bytesWords } from '../ui/words';
import type { Drawn, Stage } from './stage';

const REFRESH_MS = 500;

/** What draws, and how fast: for whoever wonders why it is slow. */
export class Figures {
  readonly element = el('dl', { class: 'figures facts', 'aria-label': texts.figures.label });
  private readonly frames = new Rate();
  private readonly latency = new Recent(30);
  private last: Drawn | null = null;
  private timer = 0;

  constructor(stage: Stage) {
    stage.on('figures', (drawn) => this.take(drawn));
    stage.on('mode', (mode) => {
      if (mode !== 'flat') return;
      this.last = null;
      this.refresh();
    });
  }

  show(isShown: boolean): void {
    this.element.hidden = !isShown;
    this.run(isShown);
  }

  /** Goes on telling where it is shown, or rests while no photo is. */
  run(isRunning: boolean): void {
    window.clearInterval(this.timer);
    if (!isRunning || this.element.hidden) return;
    this.refresh();
    this.timer = window.setInterval(() => this.refresh(), REFRESH_MS);
  }

  private take(drawn: Drawn): void {
    if ((drawn.there === null) !== (this.last?.there === null)) this.latency.clear();
    this.last = drawn;
    this.frames.add(performance.now());
    if (drawn.there) this.latency.add(drawn.there.latencyMs);
  }

  private refresh(): void {
    const t = texts.figures;
    const { last } = this;
    const facts: [string, string][] = last
      ? [
          [t.drawnBy, last.there ? t.server(last.there.renderer) : t.device],
          [t.splats, last.splats > 0 ? decimals(last.splats) : ''],
          [t.frames, decimals(this.frames.perSecond(performance.now()), 1)],
          ...this.fromServer(last.there),
        ]
      : [[t.drawnBy, t.flat]];
    const rows = facts.filter(([, value]) => value !== '');
    this.element.replaceChildren(
      ...rows.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))),
    );
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
      [t.why, there.reason],
    ];
  }
}
