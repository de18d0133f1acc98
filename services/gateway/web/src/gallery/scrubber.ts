import type { Grid } from '../grid/grid';
import { texts } from '../texts';
import { el } from '../ui/dom';

/** Years stand at least so far apart, in pixels, or are left out. */
const YEARS_APART_PX = 22;

/** The months of the whole library along the edge of the window: dragged, or walked by keys. */
export class Scrubber {
  readonly element = el('div', {
    class: 'scrubber',
    role: 'slider',
    tabindex: 0,
    'aria-label': texts.timeline.scrubber,
    'aria-orientation': 'vertical',
    'aria-valuemin': 0,
    hidden: true,
  });
  private readonly years = el('div', { class: 'scrubber-years', 'aria-hidden': 'true' });
  private readonly mark = el('div', { class: 'scrubber-mark', 'aria-hidden': 'true' });
  private readonly label = el('span', { class: 'scrubber-label' });
  private dragging = false;

  constructor(
    private readonly grid: Grid,
    scroller: HTMLElement,
  ) {
    this.mark.append(this.label);
    this.element.append(this.years, this.mark);
    this.element.addEventListener('pointerdown', (event) => {
      this.dragging = true;
      this.element.setPointerCapture(event.pointerId);
      this.follow(event);
    });
    this.element.addEventListener('pointermove', (event) => this.dragging && this.follow(event));
    for (const type of ['pointerup', 'pointercancel'] as const)
      this.element.addEventListener(type, () => {
        this.dragging = false;
      });
    this.element.addEventListener('keydown', (event) => this.onKey(event));
    scroller.addEventListener('scroll', () => this.update(), { passive: true });
    new ResizeObserver(() => this.rebuild()).observe(this.element);
  }

  /** Sections came, went, or are of another height. */
  rebuild(): void {
    const positions = this.grid.positions();
    this.element.hidden = positions.length < 2;
    const height = this.element.clientHeight;
    let last = Number.NEGATIVE_INFINITY;
    const marks: HTMLElement[] = [];
    let year = '';
    for (const { key, at } of positions) {
      const its = key.slice(0, 4);
      if (its === year || at * height - last < YEARS_APART_PX) continue;
      year = its;
      last = at * height;
      marks.push(el('span', { style: { top: `${at * 100}%` } }, its));
    }
    this.years.replaceChildren(...marks);
    this.element.setAttribute('aria-valuemax', String(Math.max(positions.length - 1, 0)));
    this.update();
  }

  private update(): void {
    const positions = this.grid.positions();
    const current = this.grid.current();
    const at = positions.findIndex(({ key }) => key === current);
    if (at < 0) return;
    const title = positions[at]?.title ?? '';
    this.element.setAttribute('aria-valuenow', String(at));
    this.element.setAttribute('aria-valuetext', title);
    this.label.textContent = title;
    this.mark.style.top = `${this.grid.part() * 100}%`;
  }

  private follow(event: PointerEvent): void {
    const { top, height } = this.element.getBoundingClientRect();
    this.grid.scrollToPart(Math.min(Math.max((event.clientY - top) / height, 0), 1));
  }

  private onKey(event: KeyboardEvent): void {
    const positions = this.grid.positions();
    const at = positions.findIndex(({ key }) => key === this.grid.current());
    const to = goal(event.key, at, positions);
    const key = positions[to]?.key;
    if (key === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.grid.scrollTo(key);
  }
}

/** Where a key leads: a month on, a year on, or to an end; -1 where it leads nowhere. */
function goal(key: string, at: number, positions: { key: string }[]): number {
  const last = positions.length - 1;
  if (key === 'ArrowDown' || key === 'ArrowRight') return Math.min(at + 1, last);
  if (key === 'ArrowUp' || key === 'ArrowLeft') return Math.max(at - 1, 0);
  if (key === 'Home') return 0;
  if (key === 'End') return last;
  const year = positions[at]?.key.slice(0, 4);
  if (key === 'PageDown') {
    const next = positions.findIndex((one, i) => i > at && one.key.slice(0, 4) !== year);
    return next < 0 ? last : next;
  }
  if (key === 'PageUp') {
    const before = positions.findLast((one, i) => i < at && one.key.slice(0, 4) !== year);
    const its = before?.key.slice(0, 4);
    return Math.max(
      positions.findIndex((one) => one.key.slice(0, 4) === its),
      0,
    );
  }
  return -1;
}
