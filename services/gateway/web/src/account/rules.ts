import type { Api } from '../api/client';
import { stateWords } from '../automation/words';
import { AUTOMATION, MODELS } from '../router';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { Section } from './section';

const t = texts.account.rules;

/** How it stands with photos that become 3D by themselves, and the way to change that. */
export class RulesSection {
  readonly section: Section;
  private readonly state = el('p', {});

  constructor(private readonly api: Api) {
    const change = el('a', { class: 'button', href: AUTOMATION }, t.change);
    const models = el('a', { class: 'button', href: MODELS }, t.models);
    const actions = el('div', { class: 'settings-actions' }, change, models);
    this.section = new Section(t.title, '', this.state, actions);
  }

  async load(): Promise<void> {
    await this.section.attempt(async () => {
      const [integration, { rules }] = await Promise.all([
        this.api.integration(),
        this.api.rules(),
      ]);
      const missing = Object.values(integration.left).flatMap((left) => left.missing);
      this.state.textContent = [
        stateWords(integration),
        integration.state !== 'off' && t.count(rules.length),
        missing.length > 0 && texts.missing(missing),
        ...integration.notes,
      ]
        .filter(Boolean)
        .join(' · ');
    });
  }
}
