import type { Config, Model, Quality } from '../api/schema';
import { MODELS } from '../router';
import { el } from '../ui/dom';
import { modelWords } from '../ui/words';

const STATES: Partial<Record<Model['state'], string>> = {
  downloadable: 'will be downloaded first',
  downloading: 'is being downloaded',
};

export type OnMake = (model: string, quality: Quality) => void;

/** Asks with which model, and how fine, a splat is to be made. */
export class MakeDialog {
  private readonly dialog = el('dialog', {
    class: 'dialog dialog-make',
    'aria-labelledby': 'make-title',
  });

  constructor() {
    document.body.append(this.dialog);
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  show(config: Config, onMake: OnMake): void {
    const cancel = el('button', { class: 'button', type: 'button' }, 'Cancel');
    cancel.addEventListener('click', () => this.dialog.close());
    const models = new Map(config.models.map((model) => [model.key, model]));
    // The others have to be accepted or downloaded first, which the page of models is for.
    const keys = config.splat_models.filter((key) => models.get(modelOf(key))?.usable);
    const more = el('a', { class: 'more-models', href: MODELS }, 'More models…');
    more.addEventListener('click', () => this.dialog.close());
    const form = el(
      'form',
      { class: 'make-form' },
      el('h2', { id: 'make-title' }, 'Make 3D'),
      choices('Model', 'model', [
        choice('model', 'auto', 'Automatic', 'The best that is ready on this server', true),
        ...keys.map((key) => modelChoice(key, config.models)),
        more,
      ]),
      choices('Quality', 'quality', [
        choice('quality', 'full', 'Full', 'Every detail', true),
        choice('quality', 'light', 'Full and light', 'Also a small one for phones', false),
      ]),
      el(
        'div',
        { class: 'dialog-actions' },
        cancel,
        el('button', { class: 'button is-primary', type: 'submit' }, 'Make it'),
      ),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const data = new FormData(form);
      this.dialog.close();
      onMake(String(data.get('model')), data.get('quality') === 'light' ? 'light' : 'full');
    });
    this.dialog.replaceChildren(form);
    this.dialog.showModal();
  }
}

function modelChoice(key: string, models: Model[]): HTMLElement {
  const name = modelWords(key, models);
  const model = models.find((known) => known.key === modelOf(key));
  return choice('model', key, name, model ? about(model) : '', false);
}

/** The model behind a splat: `lift-K` is lifted from the depth of K. */
const modelOf = (key: string): string => key.replace(/^lift-/, '');

function about(model: Model): string {
  const licence = model.commercial_use ? model.licence : `${model.licence}, not for commercial use`;
  return [licence, STATES[model.state]].filter(Boolean).join(' · ');
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
