import { el } from './dom';
import { icon } from './icons';

type Shortcut = [keys: string[], effect: string];

const GALLERY: Shortcut[] = [
  [['←', '→', '↑', '↓'], 'Move between photos, or videos'],
  [['Enter'], 'Open a photo'],
  [['Home', 'End'], 'First and last photo'],
];

const PHOTO: Shortcut[] = [
  [['←', '→'], 'Previous and next photo'],
  [['1', '2', '3'], 'Flat, depth, 3D'],
  [['W', 'A', 'S', 'D'], 'Look around'],
  [['+', '−'], 'Move closer, move back; enlarge what is flat'],
  [['R'], 'Back to where the photographer stood'],
  [['M'], 'Gentle motion on or off'],
  [['T'], 'Look by tilting the device'],
  [['C'], 'Motion clip'],
  [['I'], 'About this photo'],
  [['L'], 'Downloads'],
  [['F'], 'Full screen'],
  [['Esc'], 'Back to the gallery'],
];

const VIDEO: Shortcut[] = [
  [['Space', 'K'], 'Play, pause'],
  [['←', '→'], '10 seconds back, ahead'],
  [[',', '.'], 'One frame back, ahead'],
  [['<', '>'], 'Slower, faster'],
  [['↑', '↓', 'M'], 'Louder, softer, mute'],
  [['1', '2'], 'Flat, depth'],
  [['[', ']'], 'Less, more depth'],
  [['O'], 'Play again at the end'],
  [['G'], 'Gentle motion on or off'],
  [['Page up', 'Page down'], 'Previous and next video'],
];

const POINTER: Shortcut[] = [
  [['Drag', 'Hold and drag'], 'Look around'],
  [['Wheel', 'Pinch'], 'Move closer, move back; enlarge what is flat'],
  [['Double click'], 'Back to where the photographer stood; a flat photo’s own pixels'],
  [['Swipe'], 'Next photo'],
];

/** The overlay with all keys and gestures. */
export class HelpDialog {
  private readonly dialog: HTMLDialogElement;

  constructor() {
    const close = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': 'Close help' },
      icon('close'),
    );
    this.dialog = el(
      'dialog',
      { class: 'dialog dialog-help', 'aria-labelledby': 'help-title' },
      el(
        'header',
        { class: 'dialog-head' },
        el('h2', { id: 'help-title' }, 'Keys and gestures'),
        close,
      ),
      el(
        'div',
        { class: 'help-columns' },
        section('In a photo', PHOTO),
        section('In a video', VIDEO),
        el(
          'div',
          {},
          section('With pointer or finger', POINTER),
          section('In the gallery', GALLERY),
        ),
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
