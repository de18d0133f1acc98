import type { Api } from '../api/client';
import type { StandingKey } from '../api/schema';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { dateWords } from '../ui/words';
import { button, Section } from './section';

const t = texts.account.absence;

/** Whether work goes on while one is away, by a key that Immich makes for it. */
export class AbsenceSection {
  readonly section: Section;
  private readonly state = el('p', {});
  private readonly permissions = el('details', { hidden: true });
  private readonly writes = el('input', { type: 'checkbox', name: 'write_back' });
  private readonly option = el('label', { class: 'settings-option' }, this.writes, t.writeBack);
  private readonly allow = button(
    t.allow,
    () => void this.act(() => this.api.allowAbsence(this.writes.checked)),
  );
  private readonly revoke = button(t.revoke, () => void this.act(() => this.api.endAbsence()));

  constructor(private readonly api: Api) {
    this.allow.classList.add('is-primary');
    const actions = el('div', { class: 'settings-actions' }, this.allow, this.revoke);
    this.section = new Section(
      t.title,
      t.about,
      this.state,
      this.permissions,
      this.option,
      actions,
    );
  }

  async load(): Promise<void> {
    await this.act(() => this.api.absence());
  }

  private async act(deed: () => Promise<StandingKey>): Promise<void> {
    this.allow.disabled = this.revoke.disabled = true;
    await this.section.attempt(async () => this.show(await deed()));
    this.allow.disabled = this.revoke.disabled = false;
  }

  private show({ state, detail, permissions, missing, since }: StandingKey): void {
    const date = since ? t.since(dateWords(since)) : '';
    this.state.textContent = [t.states[state], detail, date].filter(Boolean).join(' · ');
    this.element.dataset.state = state;
    this.permissions.hidden = permissions.length === 0;
    const lost = (name: string) => missing.includes(name) && ` (${t.lost})`;
    this.permissions.replaceChildren(
      el('summary', {}, t.permissions(permissions.length)),
      el('ul', {}, ...permissions.map((name) => el('li', {}, el('code', {}, name), lost(name)))),
    );
    this.option.hidden = state === 'on';
    this.allow.hidden = state === 'on';
    this.allow.textContent = state === 'paused' ? t.again : t.allow;
    this.revoke.hidden = state === 'off';
  }

  private get element(): HTMLElement {
    return this.section.element;
  }
}
