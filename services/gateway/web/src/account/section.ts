import { ApiError } from '../api/client';
import { el } from '../ui/dom';
import { explainRefusal } from '../ui/errors';

/** A part of the account's page under its own heading, with a line that says how it went. */
export class Section {
  readonly element: HTMLElement;
  readonly told = el('p', { class: 'settings-told', role: 'status' });

  constructor(title: string, about: string, ...content: Node[]) {
    this.element = el(
      'section',
      { class: 'settings' },
      title && el('h2', {}, title),
      about && el('p', { class: 'settings-about' }, about),
      ...content,
      this.told,
    );
  }

  /** Does something, and says in its place why it did not work. True where it did. */
  async attempt(deed: () => Promise<void>): Promise<boolean> {
    this.tell('');
    try {
      await deed();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'unauthorized') return false;
      const { title, advice } = explainRefusal(error);
      this.tell(`${title} ${advice}`, true);
      return false;
    }
  }

  tell(words: string, isTrouble = false): void {
    this.told.textContent = words;
    this.told.classList.toggle('is-trouble', isTrouble);
  }
}

export function button(label: string, run: () => void, name = label): HTMLButtonElement {
  const made = el('button', { class: 'button', type: 'button', 'aria-label': name }, label);
  made.addEventListener('click', run);
  return made;
}

/** Asks for a second press before something is done that cannot be undone. */
export function certainly(label: string, sure: string, run: () => void): HTMLButtonElement {
  const made = button(label, () => {
    if (made.dataset.asked) {
      calm();
      run();
    } else {
      made.dataset.asked = 'yes';
      made.textContent = sure;
      made.removeAttribute('aria-label');
    }
  });
  const calm = () => {
    delete made.dataset.asked;
    made.textContent = label;
  };
  made.addEventListener('blur', calm);
  return made;
}
