import { texts } from '../texts';
import { decimals } from '../texts/language';
import { el } from '../ui/dom';
import { bytesWords } from '../ui/words';
import { Rate, Recent } from './meters';
import type { Checks } from './planes';
import type { Ready, Result } from './protocol';

const t = texts.live;
const REFRESH_MS = 250;

/** The line of figures, and the panel behind it. */
export class Gauges {
  readonly line = el('p', { class: 'live-line' });
  readonly panel = el('dl', {
    class: 'live-debug facts',
    'aria-label': t.figures,
    tabindex: 0,
    hidden: true,
  });
  private readonly results = new Rate();
  private readonly drawn = new Rate();
  private readonly bytes = new Rate();
  private readonly latency = new Recent();
  private last: Result | null = null;
  private checks: Checks | null = null;
  private invalid = 0;
  private count = 0;
  private source = '';
  private readonly timer = window.setInterval(() => this.refresh(), REFRESH_MS);

  began(ready: Ready): void {
    this.source = `${ready.model} (${ready.licence})`;
    this.latency.clear();
    document.body.dataset.model = ready.model;
  }

  received(result: Result, bytes: number, now: number): void {
    this.count += 1;
    this.last = result;
    this.results.add(now);
    this.bytes.add(now, bytes);
    this.latency.add(now - result.t);
    this.invalid += result.invalid ?? 0;
    const { dataset } = document.body;
    dataset.results = String(this.count);
    dataset.splats = String(result.n);
    dataset.bytes = String(bytes);
    dataset.dropped = String(result.dropped);
  }

  looked(checks: Checks): void {
    this.checks = checks;
    document.body.dataset.nonfinite = String(checks.nan + checks.infinite);
  }

  frame(now: number): void {
    this.drawn.add(now);
    document.body.dataset.frames = String(Number(document.body.dataset.frames ?? 0) + 1);
  }

  dispose(): void {
    window.clearInterval(this.timer);
  }

  private refresh(): void {
    const last = this.last;
    if (!last) return;
    const now = performance.now();
    const rate = this.results.perSecond(now);
    this.line.textContent = [
      t.perSecond(decimals(rate, rate < 10 ? 1 : 0)),
      t.behind(Math.round(this.latency.quantile(0.5))),
      last.type === 'gaussians' ? t.splats(last.n) : t.points(last.n),
      `${bytesWords(Math.round(this.bytes.perSecond(now)))}/s`,
    ].join(' · ');
    if (!this.panel.hidden) this.refreshPanel(last, now);
  }

  private refreshPanel(last: Result, now: number): void {
    const { decode = 0, infer = 0, pack = 0 } = last.timings;
    const ms = (seconds: number) => decimals(seconds * 1000, 1);
    const checks = this.checks;
    const wrong = checks && checks.nan + checks.infinite + checks.behind + this.invalid;
    const facts: [string, string][] = [
      [t.model, this.source],
      [t.server, t.timings(ms(decode), ms(infer), ms(pack))],
      [t.latency, t.most(Math.round(this.latency.quantile(0.95)))],
      [t.drawn, t.frames(decimals(this.drawn.perSecond(now)))],
      [t.frame, t.sizeAs(bytesWords(last.data.length), last.format)],
      [t.skipped, t.dropped(last.dropped)],
      [t.validity, wrong === 0 ? t.valid : validity(checks, this.invalid)],
      [t.reach, checks ? t.fromTo(decimals(checks.nearest, 2), decimals(checks.farthest, 2)) : ''],
      [t.axes, t.axesNote],
    ];
    this.panel.replaceChildren(
      ...facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))),
    );
  }
}

function validity(checks: Checks | null, invalid: number): string {
  if (!checks) return '';
  return t.invalid(checks.nan, checks.infinite, checks.behind, invalid);
}
