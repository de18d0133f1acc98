import { texts } from '../texts';
import { el } from '../ui/dom';

/** A dialog in which something is chosen before it is made. */
export class AskDialog {
  private readonly dialog: HTMLDialogElement;

  /** name: of this dialog among others of the page. */
  constructor(private readonly name: string) {
    const { titleId } = this;
    this.dialog = el('dialog', { class: 'dialog dialog-make', 'aria-labelledby': titleId });
    document.body.append(this.dialog);
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.close();
    });
  }

  /** onMake: with what is chosen, by the names of the fields. */
  show(title: string, fields: HTMLElement[], onMake: (chosen: FormData) => void): void {
    const cancel = el('button', { class: 'button', type: 'button' }, texts.work.cancel);
    cancel.addEventListener('click', () => this.close());
    const make = el('button', { class: 'button is-primary', type: 'submit' }, texts.making.go);
    const form = el(
      'form',
      { class: 'make-form' },
      el('h2', { id: this.titleId }, title),
      ...fields,
      el('div', { class: 'dialog-actions' }, cancel, make),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.close();
      onMake(new FormData(form));
    });
    this.dialog.replaceChildren(form);
    this.dialog.showModal();
  }

  close(): void {
    this.dialog.close();
  }

  private get titleId(): string {
    return `${this.name}-title`;
  }
}

export function choices(legend: string, name: string, options: HTMLElement[]): HTMLElement {
  return el(
    'fieldset',
    { class: 'choices', data: { choices: name } },
    el('legend', { class: 'choices-legend' }, legend),
    ...options,
  );
}

export function choice(
  name: string,
  value: string,
  label: string,
  note: string,
  checked: boolean,
): HTMLElement {
  return el(
    'label',
    { class: 'choice' },
    el('input', { type: 'radio', name, value, checked }),
    el('span', {}, label),
    el('small', {}, note),
  );
}
