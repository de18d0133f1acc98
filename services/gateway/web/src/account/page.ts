import '../models/models.css';
import './account.css';
import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Device, SignIn } from '../api/schema';
import type { Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { icon } from '../ui/icons';
import { dateWords } from '../ui/words';
import { AbsenceSection } from './absence';
import { HooksSection } from './hooks';
import { RulesSection } from './rules';
import { button } from './section';
import { StorageSection } from './storage';

const t = texts.account;
const LOOK_AGAIN_MS = 4000;

interface AccountActions {
  leave(): void;
  signedOut(): void;
}

/** One's account here: letting in a headset, and where one has signed in. */
export class AccountPage {
  readonly element: HTMLElement;
  private readonly title = el('h1', { tabindex: -1 }, t.title);
  private readonly list = el('ul', { class: 'sign-ins', 'aria-label': t.signedIn });
  private readonly hint = el('p', { class: 'models-hint', role: 'status' });
  private readonly code = el('input', {
    name: 'code',
    inputmode: 'numeric',
    pattern: '[0-9]{6}',
    maxlength: 6,
    autocomplete: 'one-time-code',
    required: true,
    'aria-label': t.digits,
  });
  private readonly pairing = el('div', { role: 'status' });
  private readonly rules: RulesSection;
  private readonly absence: AbsenceSection;
  private readonly hooks: HooksSection;
  private readonly storage: StorageSection;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly actions: AccountActions,
  ) {
    this.rules = new RulesSection(api);
    this.absence = new AbsenceSection(api);
    this.hooks = new HooksSection(api);
    this.storage = new StorageSection(api);
    const back = button('', () => actions.leave());
    back.className = 'icon-button';
    back.setAttribute('aria-label', texts.back);
    back.append(icon('back'));
    const form = el(
      'form',
      {},
      this.code,
      el('button', { class: 'button is-primary', type: 'submit' }, t.look),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.look(this.code.value);
    });
    this.element = el(
      'div',
      { class: 'account', hidden: true },
      el('header', { class: 'models-head' }, back, this.title),
      el(
        'main',
        { class: 'account-main' },
        el('section', {}, el('h2', {}, t.letIn), el('p', {}, t.letInNote), form, this.pairing),
        el('section', {}, el('h2', {}, t.signedIn), this.hint, this.list),
        this.rules.section.element,
        this.absence.section.element,
        this.storage.section.element,
        this.hooks.section.element,
      ),
    );
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') actions.leave();
    });
  }

  async open(): Promise<void> {
    this.element.hidden = false;
    this.pairing.replaceChildren();
    this.code.value = '';
    this.title.focus();
    const isOfImmich = this.store.config?.library === 'immich';
    // A folder has nobody who could be away, and nothing that calls.
    for (const { section } of [this.rules, this.absence]) section.element.hidden = !isOfImmich;
    this.storage.suit(isOfImmich);
    await Promise.all([
      this.load(),
      isOfImmich && this.rules.load(),
      isOfImmich && this.absence.load(),
      this.storage.load(),
      this.hooks.load(),
    ]);
  }

  close(): void {
    this.element.hidden = true;
  }

  private async load(): Promise<void> {
    await this.attempt(this.hint, async () => {
      const found = await this.api.signIns();
      this.hint.textContent = found.length === 0 ? t.nobody : '';
      const everywhere = button(t.signOutEverywhere, () => void this.signOutEverywhere());
      this.list.replaceChildren(
        ...found.map((one) => this.row(one)),
        ...(found.length > 0 ? [el('li', {}, everywhere)] : []),
      );
    });
  }

  private row(one: SignIn): HTMLElement {
    const facts = [t.ways[one.way] ?? one.way, one.seen_at && t.lastUsed(dateWords(one.seen_at))];
    const end = button(t.signOut, () => void this.end(one));
    return el(
      'li',
      { data: { signIn: one.id } },
      el(
        'span',
        {},
        el('strong', {}, one.device || t.device),
        one.current && ` ${t.thisOne}`,
        el('br'),
        el('small', {}, facts.filter(Boolean).join(' · ')),
      ),
      end,
    );
  }

  private async end(one: SignIn): Promise<void> {
    await this.attempt(this.hint, async () => {
      await this.api.endSignIn(one.id);
      if (one.current) this.actions.signedOut();
      else await this.load();
    });
  }

  private async signOutEverywhere(): Promise<void> {
    await this.attempt(this.hint, async () => {
      await this.api.signOutEverywhere();
      this.actions.signedOut();
    });
  }

  private async look(code: string): Promise<void> {
    await this.attempt(this.pairing, async () => {
      const device = await this.api.deviceShowing(code);
      this.pairing.replaceChildren(
        el('p', {}, t.asks(aboutDevice(device))),
        button(t.yes, () => void this.answer(code, device, true)),
        button(t.no, () => void this.answer(code, device, false)),
      );
    });
  }

  private async answer(code: string, device: Device, isMine: boolean): Promise<void> {
    await this.attempt(this.pairing, async () => {
      await this.api.answerDevice(code, device.id, isMine);
      this.code.value = '';
      this.pairing.replaceChildren(isMine ? t.isIn : t.sentAway);
      // The device hears of it when it next asks.
      if (isMine) window.setTimeout(() => void this.load(), LOOK_AGAIN_MS);
    });
  }

  /** Does something, and says in its place why it did not work. */
  private async attempt(place: HTMLElement, deed: () => Promise<void>): Promise<void> {
    try {
      await deed();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'unauthorized') return;
      const { title, advice } = explainError(error);
      place.textContent = error.code === 'not_found' ? t.notShown : `${title} ${advice}`;
    }
  }
}

/** What a device is, as far as it says, and where it is. */
export function aboutDevice(device: Device): string {
  return t.at(device.device || t.device, device.address);
}
