import { el } from '../ui/dom';
import { choice, choices } from './make';

/** How the camera goes in a motion clip, in the gateway's words. */
const PATHS: [path: string, label: string, note: string][] = [
  ['sway', 'Sway', 'Gently from side to side'],
  ['orbit', 'Orbit', 'Once around'],
  ['dolly', 'Dolly', 'Closer and back, with depth'],
  ['zoom', 'Zoom', 'Closer and back'],
];

/** Asks how a photo is to move. */
export class MotionDialog {
  private readonly dialog = el('dialog', {
    class: 'dialog dialog-make',
    'aria-labelledby': 'move-title',
  });

  constructor() {
    document.body.append(this.dialog);
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  show(onMake: (path: string) => void): void {
    const cancel = el('button', { class: 'button', type: 'button' }, 'Cancel');
    cancel.addEventListener('click', () => this.dialog.close());
    const form = el(
      'form',
      { class: 'make-form' },
      el('h2', { id: 'move-title' }, 'Make it move'),
      choices(
        'Camera',
        'path',
        PATHS.map(([path, label, note], at) => choice('path', path, label, note, at === 0)),
      ),
      el(
        'div',
        { class: 'dialog-actions' },
        cancel,
        el('button', { class: 'button is-primary', type: 'submit' }, 'Make it'),
      ),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.dialog.close();
      onMake(String(new FormData(form).get('path')));
    });
    this.dialog.replaceChildren(form);
    this.dialog.showModal();
  }
}
