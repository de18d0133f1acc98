import { el } from '../ui/dom';

interface Question {
  title: string;
  text: (Node | string)[];
  yes: string;
}

/** Asks before something that wants an explicit yes. */
export class ConfirmDialog {
  private readonly dialog = el('dialog', {
    class: 'dialog dialog-confirm',
    'aria-labelledby': 'confirm-title',
  });

  constructor() {
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    document.body.append(this.dialog);
  }

  ask({ title, text, yes }: Question): Promise<boolean> {
    const cancel = el('button', { class: 'button', type: 'button' }, 'Cancel');
    const accept = el('button', { class: 'button is-primary', type: 'button' }, yes);
    cancel.addEventListener('click', () => this.dialog.close());
    accept.addEventListener('click', () => this.dialog.close('yes'));
    this.dialog.returnValue = '';
    this.dialog.replaceChildren(
      el('h2', { id: 'confirm-title' }, title),
      el('p', {}, ...text),
      el('div', { class: 'dialog-actions' }, cancel, accept),
    );
    this.dialog.showModal();
    return new Promise((resolve) => {
      const answer = () => resolve(this.dialog.returnValue === 'yes');
      this.dialog.addEventListener('close', answer, { once: true });
    });
  }
}
