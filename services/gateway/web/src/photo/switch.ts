import { texts } from '../texts';
import { el } from '../ui/dom';
import type { Mode } from './modes';

const t = texts.photo;

interface ModeButton {
  mode: Mode;
  label: string;
  /** What it does, for who does not know. */
  about: string;
  missing: string;
}

const BUTTONS: ModeButton[] = [
  { mode: 'flat', label: t.flat, about: t.flatAbout, missing: '' },
  {
    mode: 'depth',
    label: t.depth,
    about: t.depthAbout,
    missing: t.depthMissing,
  },
  {
    mode: 'splat',
    label: t.splat,
    about: t.splatAbout,
    missing: t.splatMissing,
  },
];

/** The buttons that choose between flat, depth and 3D. */
export class ModeSwitch {
  readonly element = el('div', { class: 'modes', role: 'group', 'aria-label': t.view });
  private readonly buttons = new Map<Mode, HTMLButtonElement>();

  constructor(onChoose: (mode: Mode) => void) {
    BUTTONS.forEach(({ mode, label }, at) => {
      const button = el('button', { class: 'mode', type: 'button', data: { mode } }, label);
      button.setAttribute('aria-keyshortcuts', String(at + 1));
      button.addEventListener('click', () => onChoose(mode));
      this.buttons.set(mode, button);
      this.element.append(button);
    });
  }

  /** Marks the mode shown and the one wished for (while it loads). */
  update(shown: Mode, wish: Mode, available: (mode: Mode) => boolean): void {
    for (const { mode, about, missing } of BUTTONS) {
      const button = this.buttons.get(mode) as HTMLButtonElement;
      const usable = available(mode);
      button.disabled = !usable;
      button.title = usable ? about : missing;
      button.setAttribute('aria-pressed', String(mode === shown));
      button.classList.toggle('is-coming', usable && mode === wish && mode !== shown);
    }
  }
}
