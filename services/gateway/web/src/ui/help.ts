import { texts } from '../texts';
import { el } from './dom';
import { icon } from './icons';

const t = texts.help;
const keys = texts.keys;

type Shortcut = [keys: string[], effect: string];

const GALLERY: Shortcut[] = [
  [['←', '→', '↑', '↓'], t.move],
  [[keys.enter], t.openPhoto],
  [[keys.home, keys.end], t.ends],
  [[keys.space], t.choose],
];

const PHOTO: Shortcut[] = [
  [['←', '→'], t.neighbours],
  [['1', '2', '3'], t.modes],
  [['W', 'A', 'S', 'D'], t.look],
  [['+', '−'], t.closer],
  [['R'], t.reset],
  [['M'], t.motion],
  [['T'], t.tilt],
  [['C'], t.clip],
  [['I'], t.about],
  [['L'], t.downloads],
  [['F'], t.fullScreen],
  [['G'], t.figures],
  [[keys.escape], t.back],
];

const VIDEO: Shortcut[] = [
  [[keys.space, 'K'], t.play],
  [['←', '→'], t.skip],
  [[',', '.'], t.frame],
  [['<', '>'], t.speed],
  [['↑', '↓', 'M'], t.volume],
  [['1', '2'], t.looks],
  [['[', ']'], t.strength],
  [['O'], t.loop],
  [['G'], t.motion],
  [[keys.pageUp, keys.pageDown], t.videos],
];

const POINTER: Shortcut[] = [
  [[t.drag, t.hold], t.look],
  [[t.wheel, t.pinch], t.closer],
  [[t.twice], t.pixels],
  [[t.swipe], t.next],
];

/** The overlay with all keys and gestures. */
export class HelpDialog {
  private readonly dialog: HTMLDialogElement;

  constructor() {
    const close = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': t.close },
      icon('close'),
    );
    this.dialog = el(
      'dialog',
      { class: 'dialog dialog-help', 'aria-labelledby': 'help-title' },
      el('header', { class: 'dialog-head' }, el('h2', { id: 'help-title' }, t.title), close),
      el(
        'div',
        { class: 'help-columns' },
        section(t.inPhoto, PHOTO),
        section(t.inVideo, VIDEO),
        el('div', {}, section(t.byPointer, POINTER), section(t.inGallery, GALLERY)),
      ),
    );
    close.addEventListener('click', () => this.dialog.close());
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    document.body.append(this.dialog);
  }

  toggle(): void {
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }
}

function section(title: string, shortcuts: Shortcut[]): HTMLElement {
  const rows = shortcuts.map(([keys, effect]) =>
    el(
      'div',
      { class: 'shortcut' },
      el('dt', {}, ...keys.map((key) => el('kbd', {}, key))),
      el('dd', {}, effect),
    ),
  );
  return el('section', {}, el('h3', {}, title), el('dl', { class: 'shortcuts' }, ...rows));
}
