import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Memory, Photo } from '../api/schema';
import { yearsAgo } from '../gallery/day';
import { iconButton } from '../photo/chrome';
import { toggleFullscreen } from '../photo/fullscreen';
import { Stage } from '../photo/stage';
import { prefersStillness } from '../render/device';
import type { Settings } from '../settings/settings';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { dayWords } from '../ui/words';
import { type Path, pathAt } from './drifting';

const t = texts.memories;

/** How long a photo is seen, from when its sharp picture is there. */
const SHOWN_MS = 7000;

/** Memories as a film: one photo after the other, each moved through slowly by its depth where it has one. */
export class Presentation {
  readonly element = el('dialog', { class: 'presentation', 'aria-label': t.presentation });
  private readonly stage: Stage;
  private readonly title = el('h1', {});
  private readonly facts = el('p', {});
  private readonly parts = el('div', { class: 'presentation-parts', 'aria-hidden': 'true' });
  private readonly pause = iconButton('pause', t.pause, texts.keys.space, () => this.toggle());
  private shown: { photo: Photo; memory: Memory }[] = [];
  private day = '';
  private at = 0;
  private isPaused = false;
  /** What of the time of the photo shown is over, in ms. */
  private over = 0;
  private turn = 0;
  private frame = 0;

  constructor(
    private readonly api: Api,
    settings: Settings,
    private readonly leave: () => void,
  ) {
    this.stage = new Stage(api, settings);
    const button = (name: 'previous' | 'next', label: string, step: 1 | -1) =>
      iconButton(name, label, step < 0 ? '←' : '→', () => this.step(step));
    this.element.append(
      this.stage.element,
      el(
        'header',
        { class: 'presentation-head' },
        this.parts,
        el(
          'div',
          { class: 'presentation-words' },
          el('div', {}, this.title, this.facts),
          button('previous', t.previous, -1),
          this.pause,
          button('next', t.next, 1),
          iconButton('fullscreen', texts.fullscreen, 'F', () => void toggleFullscreen()),
          iconButton('close', t.leave, texts.keys.escape, () => this.leave()),
        ),
      ),
    );
    this.element.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.leave();
    });
    this.element.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** Plays what was taken on a day of earlier years. */
  open(memories: Memory[], day: string): void {
    this.day = day;
    this.shown = memories.flatMap((memory) =>
      memory.items.flatMap((item) => (item.kind === 'photo' ? [{ photo: item, memory }] : [])),
    );
    if (this.shown.length === 0) {
      this.leave();
      return;
    }
    this.parts.replaceChildren(...this.shown.map(() => el('span', {})));
    this.element.classList.toggle('moves', !prefersStillness());
    this.element.style.setProperty('--shown-for', `${SHOWN_MS}ms`);
    document.body.append(this.element);
    if (!this.element.open) this.element.showModal();
    // Which is what one wants first of what plays by itself; the dialog would choose the way back.
    this.pause.focus();
    this.setPaused(false);
    void this.show(0);
  }

  close(): void {
    if (!this.element.open) return;
    this.turn += 1;
    cancelAnimationFrame(this.frame);
    this.stage.close();
    this.element.close();
    this.element.remove();
    delete document.body.dataset.presents;
    if (document.fullscreenElement) void document.exitFullscreen();
  }

  private async show(at: number): Promise<void> {
    const one = this.shown[at];
    if (!one) return;
    this.turn += 1;
    const { turn } = this;
    cancelAnimationFrame(this.frame);
    this.at = at;
    this.over = 0;
    for (const [index, part] of [...this.parts.children].entries())
      part.classList.toggle('is-over', index <= at);
    this.title.textContent = `${yearsAgo(one.memory, this.day)}, ${one.memory.year}`;
    this.facts.textContent = `${dayWords(one.photo.taken_at)} · ${t.of(at + 1, this.shown.length)}`;
    document.body.dataset.presents = one.photo.id;
    this.stage.moving = false;
    this.stage.wish = 'depth';
    this.stage.open(one.photo);
    await this.stage.sharp;
    if (turn !== this.turn) return;
    void this.addDepth(one.photo, turn);
    const next = this.shown[at + 1];
    if (next) new Image().src = this.api.previewUrl(next.photo.id);
    this.run(turn, at);
  }

  /** What has no depth drifts by itself; a photo that cannot be read is shown as far as it is there. */
  private async addDepth({ id, badges }: Photo, turn: number): Promise<void> {
    if (!badges.depth || prefersStillness()) return;
    try {
      const assets = await this.api.assets(id);
      if (turn === this.turn) this.stage.setAssets(assets.filter(({ kind }) => kind === 'depth'));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private run(turn: number, at: number): void {
    let before = performance.now();
    const path: Path = at % 2 === 0 ? 'right' : 'left';
    const go = (now: number) => {
      if (turn !== this.turn) return;
      if (!this.isPaused) this.over += now - before;
      before = now;
      if (this.over >= SHOWN_MS) {
        this.step(1);
        return;
      }
      if (!this.isPaused && !prefersStillness()) {
        const { x, y } = pathAt(path, this.over / SHOWN_MS);
        this.stage.steering.leanTo(x, y);
      }
      this.frame = requestAnimationFrame(go);
    };
    this.frame = requestAnimationFrame(go);
  }

  private step(by: 1 | -1): void {
    const at = this.at + by;
    if (at >= this.shown.length) this.leave();
    else void this.show(Math.max(at, 0));
  }

  private toggle(): void {
    this.setPaused(!this.isPaused);
  }

  private setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.element.classList.toggle('is-paused', isPaused);
    this.pause.setAttribute('aria-label', isPaused ? t.goOn : t.pause);
    this.pause.setAttribute('aria-pressed', String(isPaused));
  }

  private onKey(event: KeyboardEvent): void {
    const isOnButton = (event.target as HTMLElement).matches('button');
    const acts: Record<string, () => void> = {
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      f: () => void toggleFullscreen(),
      ...(isOnButton ? {} : { ' ': () => this.toggle() }),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}
