import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Config, Credentials } from '../api/schema';
import { texts } from '../texts';
import { el } from './dom';
import { explainError } from './errors';
import { icon } from './icons';
import { CodeSignIn } from './pairing';

interface Field {
  name: string;
  label: string;
  type: 'text' | 'email' | 'password';
  autocomplete: string;
}

interface Way {
  key: 'password' | 'api_key' | 'token';
  label: string;
  fields: Field[];
  hint: string;
  refused: string;
}

const t = texts.signIn;

const WAYS: Way[] = [
  {
    key: 'password',
    label: t.email,
    fields: [
      { name: 'email', label: t.email, type: 'email', autocomplete: 'username' },
      { name: 'password', label: t.password, type: 'password', autocomplete: 'current-password' },
    ],
    hint: t.passwordHint,
    refused: t.passwordRefused,
  },
  {
    key: 'api_key',
    label: t.apiKey,
    fields: [{ name: 'api_key', label: t.immichApiKey, type: 'password', autocomplete: 'off' }],
    hint: t.apiKeyHint,
    refused: t.apiKeyRefused,
  },
  {
    key: 'token',
    label: t.token,
    fields: [{ name: 'token', label: t.token, type: 'password', autocomplete: 'off' }],
    hint: t.tokenHint,
    refused: t.tokenRefused,
  },
];

/** Asks for credentials until the gateway accepts them. */
export class LoginDialog {
  /** The dialog as it lies on the page. */
  get element(): HTMLElement {
    return this.dialog;
  }

  private readonly dialog = el('dialog', {
    class: 'dialog dialog-login',
    'aria-labelledby': 'login-title',
  });
  private readonly fields = el('div', { class: 'fields' });
  private readonly hint = el('p', { class: 'hint' });
  private readonly error = el('p', { class: 'form-error', role: 'alert' });
  private readonly submit = el('button', { class: 'button is-primary', type: 'submit' }, t.go);
  private readonly other = el('div', { class: 'other-ways' });
  private readonly code: CodeSignIn;
  private way: Way = WAYS[0] as Way;

  constructor(
    private readonly api: Api,
    private readonly onSignedIn: () => void,
  ) {
    this.code = new CodeSignIn(api, () => this.done());
    // Without a session there is nothing behind this dialog to go back to.
    this.dialog.addEventListener('cancel', (event) => event.preventDefault());
    document.body.append(this.dialog);
  }

  show(library: Config['library'], signIn: Config['sign_in'] | undefined): void {
    if (this.dialog.open) return;
    const ways = WAYS.filter((way) =>
      library === 'immich'
        ? way.key !== 'password' || (signIn?.password ?? true)
        : way.key === 'token',
    );
    this.way = ways[0] as Way;
    const form = el(
      'form',
      { class: 'login-form' },
      ways.length > 1 && this.chooser(ways),
      this.fields,
      this.hint,
      this.error,
      this.submit,
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.signIn(new FormData(form));
    });
    this.dialog.replaceChildren(
      icon('layers'),
      el('h2', { id: 'login-title' }, t.title),
      form,
      this.other,
    );
    this.offerOthers(signIn?.oauth ?? null);
    this.fill();
    this.dialog.showModal();
    this.fields.querySelector('input')?.focus();
  }

  private offerOthers(oauth: string | null): void {
    const code = el('button', { class: 'button', type: 'button' }, t.digits);
    code.title = t.digitsNote;
    code.addEventListener('click', () => {
      code.replaceWith(this.code.element);
      void this.code.begin();
    });
    const there = oauth && el('button', { class: 'button', type: 'button' }, oauth);
    if (there) there.addEventListener('click', () => void this.goThere());
    this.other.replaceChildren(...[there, code].filter((one) => one instanceof HTMLElement));
  }

  private async goThere(): Promise<void> {
    try {
      location.assign(await this.api.oauthAddress());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error.textContent = sentence(explainError(error).detail);
    }
  }

  private done(): void {
    this.code.end();
    this.dialog.close();
    this.onSignedIn();
  }

  private chooser(ways: Way[]): HTMLElement {
    const options = ways.map((way) => {
      const radio = el('input', {
        type: 'radio',
        name: 'way',
        value: way.key,
        checked: way === this.way,
      });
      radio.addEventListener('change', () => {
        this.way = way;
        this.fill();
      });
      return el('label', { class: 'segment' }, radio, el('span', {}, way.label));
    });
    return el(
      'fieldset',
      { class: 'segments' },
      el('legend', { class: 'sr-only' }, t.way),
      ...options,
    );
  }

  private fill(): void {
    this.error.textContent = '';
    this.hint.textContent = this.way.hint;
    this.fields.replaceChildren(
      ...this.way.fields.map(({ name, label, type, autocomplete }) =>
        el(
          'label',
          { class: 'field' },
          el('span', {}, label),
          el('input', { name, type, autocomplete, required: true, spellcheck: 'false' }),
        ),
      ),
    );
  }

  private async signIn(form: FormData): Promise<void> {
    const values = Object.fromEntries(
      this.way.fields.map(({ name }) => [name, String(form.get(name) ?? '')]),
    );
    this.submit.disabled = true;
    this.error.textContent = '';
    try {
      await this.api.signIn(values as Credentials);
      this.done();
    } catch (error) {
      const refused = error instanceof ApiError && [401, 403, 422].includes(error.status);
      const { title, advice, detail } = explainError(error);
      // The server knows why: a permission that is missing, passwords that are switched off.
      this.error.textContent = refused
        ? sentence(detail) || this.way.refused
        : `${title} ${advice} ${sentence(detail)}`.trim();
    } finally {
      this.submit.disabled = false;
    }
  }
}

/** The server's words as a sentence of ours. */
function sentence(words: string): string {
  const text = words.trim();
  return text && `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
