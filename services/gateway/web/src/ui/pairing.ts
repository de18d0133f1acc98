import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import { texts } from '../texts';
import { el } from './dom';
import { explainError } from './errors';

const t = texts.signIn;
const ASK_AGAIN_MS = 2000;

/** Six digits on a device without a keyboard, until somebody confirms them elsewhere. */
export class CodeSignIn {
  readonly element = el('div', { class: 'code-sign-in' });
  private timer = 0;

  constructor(
    private readonly api: Api,
    private readonly onSignedIn: () => void,
  ) {}

  /** Asks for digits and shows them. */
  async begin(): Promise<void> {
    this.end();
    try {
      const { code, id, expires_in_s } = await this.api.askToPair();
      const where = new URL('.', document.baseURI);
      this.element.replaceChildren(
        el('p', { class: 'hint' }, t.elsewhere),
        el('p', { class: 'code-address' }, `${where.host}${where.pathname}#/account`),
        el('p', { class: 'hint' }, t.typeThere),
        el('p', { class: 'code', 'aria-label': [...code].join(' ') }, code),
      );
      this.element.lastElementChild?.scrollIntoView({ block: 'nearest' });
      document.body.dataset.pairing = 'waiting';
      this.follow(id, Date.now() + expires_in_s * 1000);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { title, advice } = explainError(error);
      this.say(`${title} ${advice}`);
    }
  }

  /** Stops asking. */
  end(): void {
    window.clearTimeout(this.timer);
    delete document.body.dataset.pairing;
  }

  private follow(id: string, until: number): void {
    this.timer = window.setTimeout(() => void this.ask(id, until), ASK_AGAIN_MS);
  }

  private async ask(id: string, until: number): Promise<void> {
    try {
      const state = await this.api.pairingState(id);
      if (state === 'signed_in') {
        this.end();
        this.onSignedIn();
        return;
      }
      if (state === 'refused') {
        this.say(t.notLetIn);
        return;
      }
      if (state === 'expired') {
        await this.begin();
        return;
      }
    } catch (error) {
      // What is away comes back; the digits are good until then.
      if (!(error instanceof ApiError)) throw error;
    }
    if (Date.now() < until) this.follow(id, until);
    else await this.begin();
  }

  private say(words: string): void {
    this.end();
    const again = el('button', { class: 'button', type: 'button' }, t.newDigits);
    again.addEventListener('click', () => void this.begin());
    this.element.replaceChildren(el('p', { class: 'form-error', role: 'alert' }, words), again);
  }
}
