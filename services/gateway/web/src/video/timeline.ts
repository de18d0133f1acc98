import { texts } from '../texts';
import { el } from '../ui/dom';
import { clockWords } from '../ui/words';
import { type Strip, tileAt } from './moments';

export interface TimelineActions {
  /** Goes to a moment, in seconds; more may follow at once. */
  seek(seconds: number): void;
}

/** The line that says where in a film one is, with a small picture of where one would go. */
export class Timeline {
  readonly element: HTMLElement;
  private readonly line = el('div', {
    class: 'timeline-line',
    role: 'slider',
    tabindex: 0,
    'aria-label': texts.video.place,
    'aria-valuemin': 0,
  });
  private readonly made = el('span', { class: 'timeline-made' });
  private readonly gone = el('span', { class: 'timeline-gone' });
  private readonly knob = el('span', { class: 'timeline-knob' });
  private readonly glimpse = el('div', { class: 'glimpse', hidden: true, 'aria-hidden': 'true' });
  private readonly picture = el('div', { class: 'glimpse-picture' });
  private readonly words = el('span', { class: 'glimpse-words' });
  private strip: { strip: Strip; start: number } | null = null;
  private duration = 0;
  private dragging = false;

  constructor(private readonly actions: TimelineActions) {
    this.line.append(this.made, this.gone, this.knob);
    this.glimpse.append(this.picture, this.words);
    this.element = el('div', { class: 'timeline' }, this.glimpse, this.line);
    this.line.addEventListener('pointerdown', (event) => this.begin(event));
    this.line.addEventListener('pointermove', (event) => this.move(event));
    this.line.addEventListener('pointerup', () => this.end());
    this.line.addEventListener('pointercancel', () => this.end());
    this.line.addEventListener('pointerleave', () => this.dragging || this.hideGlimpse());
  }

  /** Small pictures of the film from `start` on, for where one would go; null for none. */
  setStrip(address: string, strip: Strip | null, start = 0): void {
    this.strip = strip && { strip, start };
    this.picture.hidden = strip === null;
    if (!strip) return;
    const [width, height] = strip.tile;
    Object.assign(this.picture.style, {
      width: `${width}px`,
      height: `${height}px`,
      backgroundImage: `url("${address}")`,
    });
  }

  /** made: up to where there is depth, in seconds; null where that is not to be told. */
  show(seconds: number, duration: number, made: number | null): void {
    this.duration = duration;
    const part = (moment: number) => (duration > 0 ? Math.min(moment / duration, 1) : 0);
    this.gone.style.transform = `scaleX(${part(seconds)})`;
    this.knob.style.left = `${part(seconds) * 100}%`;
    this.made.style.transform = `scaleX(${made === null ? 0 : part(made)})`;
    this.line.setAttribute('aria-valuemax', duration.toFixed(2));
    this.line.setAttribute('aria-valuenow', seconds.toFixed(2));
    const words = texts.work.of(clockWords(seconds), clockWords(duration));
    this.line.setAttribute('aria-valuetext', words);
  }

  private begin(event: PointerEvent): void {
    if (event.button !== 0 || this.duration <= 0) return;
    this.line.setPointerCapture(event.pointerId);
    this.dragging = true;
    this.element.classList.add('is-dragged');
    this.move(event);
  }

  private move(event: PointerEvent): void {
    if (this.duration <= 0) return;
    const { left, width } = this.line.getBoundingClientRect();
    const part = Math.min(Math.max((event.clientX - left) / (width || 1), 0), 1);
    const seconds = part * this.duration;
    if (this.dragging) this.actions.seek(seconds);
    if (this.dragging || event.pointerType !== 'touch') this.showGlimpse(seconds, part);
  }

  private end(): void {
    this.dragging = false;
    this.element.classList.remove('is-dragged');
    this.hideGlimpse();
  }

  private showGlimpse(seconds: number, part: number): void {
    this.words.textContent = clockWords(seconds);
    if (this.strip) {
      const [x, y] = tileAt(this.strip.strip, seconds - this.strip.start);
      this.picture.style.backgroundPosition = `-${x}px -${y}px`;
      this.glimpse.dataset.tile = `${x},${y}`;
    }
    this.glimpse.hidden = false;
    const half = this.glimpse.offsetWidth / 2;
    const { offsetWidth } = this.line;
    const at = Math.min(Math.max(part * offsetWidth, half), Math.max(offsetWidth - half, half));
    this.glimpse.style.left = `${at}px`;
  }

  private hideGlimpse(): void {
    this.glimpse.hidden = true;
  }
}
