import { iconButton } from '../photo/chrome';
import { Popup } from '../photo/popup';
import { texts } from '../texts';
import { locale } from '../texts/language';
import { el } from '../ui/dom';
import { clockWords } from '../ui/words';
import { MOST_STRENGTH, RATES } from './liking';
import type { Look, Player } from './player';
import { Timeline } from './timeline';

const t = texts.video;

export const SKIP_S = 10;

/** What one plays a video by, below it. */
export class Controls {
  readonly element = el('div', { class: 'player-controls' });
  readonly timeline: Timeline;
  readonly settings: Popup;
  private readonly play: HTMLButtonElement;
  private readonly mute: HTMLButtonElement;
  private readonly clock = el('span', { class: 'clock', role: 'timer', 'aria-live': 'off' });
  private readonly volume = slider(t.volume, 1, 0.05);
  private readonly strength = slider(t.strength, MOST_STRENGTH, 0.05);
  private readonly loop = el('input', { type: 'checkbox' });
  private readonly motion = el('input', { type: 'checkbox' });
  private readonly rate = el('select', { 'aria-label': t.speed });
  private readonly looks = new Map<Look, HTMLButtonElement>();
  private readonly switch = el('div', {
    class: 'modes',
    role: 'group',
    'aria-label': texts.photo.view,
  });

  constructor(
    private readonly player: Player,
    fullscreen: () => void,
  ) {
    this.timeline = new Timeline({ seek: (seconds) => player.seek(seconds) });
    this.play = iconButton('play', t.play, texts.keys.space, () => player.toggle());
    this.play.classList.add('play');
    this.mute = iconButton('sound', t.mute, 'M', () =>
      player.prefer({ muted: !player.liking.muted }),
    );
    this.settings = new Popup('settings', t.playback, t.playbackNote, () => this.update());
    this.settings.element.classList.add('opens-up');
    this.build(fullscreen);
    player.on('state', () => this.update());
    player.on('time', () => this.tellTime());
  }

  /** Up to where there is depth, where it is still being made. */
  made: () => number | null = () => null;

  tellTime(): void {
    const { time, duration } = this.player;
    this.timeline.show(time, duration, this.made());
    this.clock.textContent = `${clockWords(time)} / ${clockWords(duration)}`;
  }

  private build(fullscreen: () => void): void {
    const { player } = this;
    this.switch.append(
      this.look('flat', texts.photo.flat, '1'),
      this.look('depth', texts.photo.depth, '2'),
    );
    this.volume.addEventListener('input', () =>
      player.prefer({ volume: Number(this.volume.value), muted: this.volume.value === '0' }),
    );
    this.fillSettings();
    this.element.append(
      this.timeline.element,
      el(
        'div',
        { class: 'player-row' },
        this.play,
        iconButton('back10', t.back10, '←', () => player.seekBy(-SKIP_S)),
        iconButton('ahead10', t.ahead10, '→', () => player.seekBy(SKIP_S)),
        iconButton('frameBack', t.frameBack, ',', () => player.step(-1)),
        iconButton('frameAhead', t.frameAhead, '.', () => player.step(1)),
        this.clock,
        this.switch,
        this.mute,
        this.volume,
        this.settings.element,
        iconButton('fullscreen', texts.fullscreen, 'F', fullscreen),
      ),
    );
  }

  private look(look: Look, label: string, key: string): HTMLButtonElement {
    const button = el('button', { class: 'mode', type: 'button', data: { mode: look } }, label);
    button.setAttribute('aria-keyshortcuts', key);
    button.addEventListener('click', () => this.player.choose(look));
    this.looks.set(look, button);
    return button;
  }

  private fillSettings(): void {
    const { player } = this;
    this.rate.append(
      ...RATES.map((rate) =>
        el('option', { value: rate }, rate === 1 ? t.normal : `${rate.toLocaleString(locale())} ×`),
      ),
    );
    this.rate.addEventListener('change', () => player.prefer({ rate: Number(this.rate.value) }));
    this.loop.addEventListener('change', () => player.prefer({ loop: this.loop.checked }));
    this.motion.addEventListener('change', () => player.toggleMotion());
    this.strength.addEventListener('input', () =>
      player.prefer({ strength: Number(this.strength.value) }),
    );
    this.settings.replace(
      setting(t.speed, this.rate),
      setting(t.strength, this.strength),
      setting(t.loop, this.loop),
      setting(texts.photo.motion, this.motion),
    );
  }

  private update(): void {
    const { player } = this;
    const { volume, muted, rate, loop, strength } = player.liking;
    relabel(
      this.play,
      player.paused ? 'play' : 'pause',
      player.paused ? t.play : t.pause,
      texts.keys.space,
    );
    const silent = muted || volume === 0;
    relabel(this.mute, silent ? 'silence' : 'sound', silent ? t.unmute : t.mute, 'M');
    this.volume.value = String(muted ? 0 : volume);
    this.volume.setAttribute('aria-valuetext', `${Math.round((muted ? 0 : volume) * 100)} %`);
    this.rate.value = String(rate);
    this.loop.checked = loop;
    this.motion.checked = player.moving;
    this.strength.value = String(strength);
    this.strength.setAttribute('aria-valuetext', `${Math.round(strength * 100)} %`);
    for (const [look, button] of this.looks) {
      const usable = look === 'flat' || player.hasDepth;
      button.disabled = !usable;
      button.title = usable ? '' : t.depthMissing;
      button.setAttribute('aria-pressed', String(look === player.look));
      button.classList.toggle('is-coming', usable && look === player.wish && look !== player.look);
    }
    this.tellTime();
  }
}

function slider(label: string, max: number, step: number): HTMLInputElement {
  return el('input', { type: 'range', class: 'slider', min: 0, max, step, 'aria-label': label });
}

function setting(label: string, control: HTMLElement): HTMLElement {
  return el('label', { class: 'setting' }, el('span', {}, label), control);
}

function relabel(
  button: HTMLButtonElement,
  name: Parameters<typeof iconButton>[0],
  label: string,
  keys: string,
): void {
  if (button.getAttribute('aria-label') === label) return;
  const fresh = iconButton(name, label, keys, () => {});
  button.replaceChildren(...fresh.children);
  button.setAttribute('aria-label', label);
  button.title = fresh.title;
}
