import type { Api } from '../api/client';
import type { Hook, HookEvent } from '../api/schema';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { momentWords } from '../ui/words';
import { certainly, Section } from './section';

const t = texts.account.hooks;
const EVENTS = Object.keys(t.events) as HookEvent[];

/** Addresses that are told when something was made, or could not be. */
export class HooksSection {
  readonly section: Section;
  private readonly list = el('ul', { class: 'settings-list', 'aria-label': t.title });
  private readonly url = el('input', {
    type: 'url',
    name: 'url',
    required: true,
    placeholder: 'https://example.org/hook',
    'aria-label': t.address,
    maxlength: 2000,
  });
  private readonly boxes = EVENTS.map((event) => ({
    event,
    box: el('input', { type: 'checkbox', value: event, checked: event !== 'asset.created' }),
  }));
  private readonly secret = el('p', { class: 'settings-secret', hidden: true });

  constructor(private readonly api: Api) {
    const form = el(
      'form',
      { class: 'settings-form' },
      this.url,
      el(
        'fieldset',
        {},
        el('legend', {}, t.when),
        ...this.boxes.map(({ event, box }) =>
          el('label', { class: 'settings-option' }, box, t.events[event]),
        ),
      ),
      el('button', { class: 'button', type: 'submit' }, t.add),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.add();
    });
    this.section = new Section(t.title, t.about, this.list, this.secret, form);
  }

  async load(): Promise<void> {
    await this.section.attempt(async () => {
      const hooks = await this.api.hooks();
      this.list.replaceChildren(...hooks.map((hook) => this.row(hook)));
    });
  }

  private async add(): Promise<void> {
    const events = this.boxes.filter(({ box }) => box.checked).map(({ event }) => event);
    if (events.length === 0) {
      this.section.tell(t.chooseOne, true);
      return;
    }
    const done = await this.section.attempt(async () => {
      const { secret } = await this.api.addHook(this.url.value, events);
      this.secret.replaceChildren(t.secret, ' ', el('code', {}, secret));
      this.secret.hidden = false;
      this.url.value = '';
    });
    if (done) await this.load();
  }

  private async remove(hook: Hook): Promise<void> {
    if (await this.section.attempt(() => this.api.deleteHook(hook.id))) await this.load();
  }

  private row(hook: Hook): HTMLElement {
    const [last] = hook.answers;
    const answer = last
      ? `${last.status ?? last.error ?? t.noAnswer}, ${momentWords(last.at)}`
      : t.notYet;
    const remove = certainly(texts.account.remove, texts.account.sure, () => {
      void this.remove(hook);
    });
    const words = hook.events.map((event) => t.events[event as HookEvent] ?? event).join(', ');
    return el(
      'li',
      {},
      el('span', {}, el('strong', {}, hook.url), el('br'), el('small', {}, `${words} · ${answer}`)),
      remove,
    );
  }
}
