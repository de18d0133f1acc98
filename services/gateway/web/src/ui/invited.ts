import { texts } from '../texts';
import { el } from './dom';

/** Asks whether to be signed in here as that person, and tells what follows; Escape says no. */
export function askWhetherToSignIn(name: string): Promise<boolean> {
  const { title, about, agree, refuse } = texts.invited;
  const dialog = el(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'invited-title', 'aria-describedby': 'invited-about' },
    el('h2', { id: 'invited-title' }, title(name)),
    el('p', { id: 'invited-about' }, about(name)),
    el(
      'form',
      { class: 'dialog-actions', method: 'dialog' },
      el('button', { class: 'button', autofocus: true }, refuse),
      el('button', { class: 'button is-primary', value: 'yes' }, agree),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}
