import { el } from '../ui/dom';
import type { Mode } from './modes';

interface ModeButton {
  mode: Mode;
  label: string;
  /** What it does, for who does not know. */
  about: string;
  missing: string;
}

const BUTTONS: ModeButton[] = [
  { mode: 'flat', label: 'Flat', about: 'The photo as it is', missing: '' },
  {
    mode: 'depth',
    label: 'Depth',
    about: 'Moves a little when you lean',
    missing: 'There is no depth of this photo yet',
  },
  {
    mode: 'splat',
    label: '3D',
    about: 'Can be looked around in',
    missing: 'This photo is not in 3D yet',
  },
];

/** The buttons that choose between flat, depth and 3D. */
export class ModeSwitch {
  readonly element = el('div', { class: 'modes', role: 'group', 'aria-label': 'View' });
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
