import { texts } from '../texts';
import { el } from '../ui/dom';

interface Question {
  title: string;
  text: (Node | string)[];
  yes: string;
}

/** Asks before something that wants an explicit yes. */
export function confirmed({ title, text, yes }: Question): Promise<boolean> {
  // A dialog for each question: the end of one that was dismissed is told late, and must answer no other.
  const dialog = el('dialog', {
    class: 'dialog dialog-confirm',
    'aria-labelledby': 'confirm-title',
  });
  const cancel = el('button', { class: 'button', type: 'button' }, texts.work.cancel);
  const accept = el('button', { class: 'button is-primary', type: 'button' }, yes);
  cancel.addEventListener('click', () => dialog.close());
  accept.addEventListener('click', () => dialog.close('yes'));
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.append(
    el('h2', { id: 'confirm-title' }, title),
    el('p', {}, ...text),
    el('div', { class: 'dialog-actions' }, cancel, accept),
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
