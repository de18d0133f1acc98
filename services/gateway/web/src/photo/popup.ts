import { el } from '../ui/dom';
import { type IconName, icon } from '../ui/icons';

/** A button that shows and hides a panel. Esc, a click elsewhere or leaving it with Tab closes it. */
export class Popup {
  readonly element: HTMLElement;
  readonly panel: HTMLElement;
  private readonly button: HTMLButtonElement;

  constructor(
    name: IconName,
    label: string,
    hint: string,
    private readonly beforeShow: () => void,
    id = `popup-${name}`,
  ) {
    this.button = el(
      'button',
      {
        class: 'icon-button',
        type: 'button',
        title: hint,
        'aria-label': label,
        'aria-expanded': 'false',
        'aria-controls': id,
      },
      icon(name),
    );
    this.panel = el('div', { class: 'popup-panel', id, role: 'group', 'aria-label': label });
    this.panel.hidden = true;
    this.element = el('div', { class: 'popup' }, this.button, this.panel);
    this.button.addEventListener('click', () => this.toggle());
    this.element.addEventListener('keydown', (event) => this.onKey(event));
    this.element.addEventListener('focusout', (event) => {
      const to = event.relatedTarget as Node | null;
      if (to && !this.element.contains(to)) this.hide();
    });
    document.addEventListener('pointerdown', (event) => {
      if (!this.element.contains(event.target as Node)) this.hide();
    });
  }

  get open(): boolean {
    return !this.panel.hidden;
  }

  toggle(): void {
    if (this.open) this.hide();
    else this.show();
  }

  /** Fills the panel anew without losing the keyboard's place in the menu. */
  replace(...rows: Node[]): void {
    const hadFocus = this.panel.contains(document.activeElement);
    this.panel.replaceChildren(...rows);
    if (hadFocus) this.button.focus();
  }

  /** Gives the focus to what opens it: dialogs that are opened from a row give it back there. */
  focus(): void {
    this.button.focus();
  }

  hide(): void {
    this.panel.hidden = true;
    this.button.setAttribute('aria-expanded', 'false');
  }

  private show(): void {
    this.beforeShow();
    this.panel.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
    this.button.focus();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.open) {
      event.stopPropagation();
      this.hide();
      this.button.focus();
      return;
    }
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (!step || !this.open) return;
    event.preventDefault();
    event.stopPropagation();
    const items = [...this.panel.querySelectorAll<HTMLElement>('a[href], button:not(:disabled)')];
    const at = items.indexOf(document.activeElement as HTMLElement);
    items.at(at < 0 && step < 0 ? -1 : (at + step) % items.length)?.focus();
  }
}

/** A row of a popup panel: a button with a second line below. */
export function popupAction(name: IconName, label: string, note: string, run: () => void) {
  const button = el('button', { class: 'popup-item', type: 'button' }, ...row(name, label, note));
  button.addEventListener('click', run);
  return button;
}

/** A row of a popup panel: a link with a second line below. */
export function popupLink(name: IconName, label: string, note: string, href: string) {
  return el('a', { class: 'popup-item', href }, ...row(name, label, note));
}

function row(name: IconName, label: string, note: string): (Node | false)[] {
  return [
    icon(name),
    el('span', { class: 'popup-label' }, label),
    note !== '' && el('span', { class: 'popup-note' }, note),
  ];
}
