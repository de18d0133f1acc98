import './selection.css';
import type { Selection } from '../grid/selection';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import type { Shown } from './tile';

export interface SelectionActions {
  /** Has 3D made of these. */
  make(items: Shown[]): void;
}

const t = texts.selection;

/** What can be done with what is chosen, over the head of the gallery while anything is. */
export class SelectionBar {
  readonly element: HTMLElement;
  private readonly count = el('p', { class: 'selection-count', role: 'status' });

  constructor(
    private readonly selection: Selection,
    actions: SelectionActions,
  ) {
    const clear = el(
      'button',
      {
        class: 'icon-button',
        type: 'button',
        'aria-label': t.clear,
        title: `${t.clear} (${texts.keys.escape})`,
      },
      icon('close'),
    );
    clear.addEventListener('click', () => selection.clear());
    const make = el('button', { class: 'button is-primary', type: 'button' }, icon('cube'), t.make);
    make.addEventListener('click', () => {
      const { items } = selection;
      selection.clear();
      actions.make(items);
    });
    this.element = el(
      'section',
      { class: 'selection', 'aria-label': t.label, hidden: true },
      clear,
      this.count,
      make,
    );
    selection.on('change', () => this.update());
    document.addEventListener('keydown', (event) => {
      const isOver = document.querySelector('dialog[open]') !== null || event.defaultPrevented;
      if (event.key !== 'Escape' || isOver || selection.size === 0) return;
      event.preventDefault();
      selection.clear();
    });
  }

  private update(): void {
    const { size } = this.selection;
    const hadFocus = this.element.contains(document.activeElement);
    this.element.hidden = size === 0;
    this.count.textContent = t.count(size);
    document.body.dataset.chosen = String(size);
    if (size > 0) return;
    delete document.body.dataset.chosen;
    if (hadFocus) document.querySelector<HTMLElement>('.tile-link[tabindex="0"]')?.focus();
  }
}
