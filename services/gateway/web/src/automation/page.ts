import './automation.css';
import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Integration } from '../api/schema';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { icon } from '../ui/icons';
import { CHOICES, chosenBy, movingWords, noteWords, ruleOf, stateWords } from './words';

const t = texts.automation;

/** Whether this person's new photos become 3D by themselves, of which, and what that leaves in Immich. */
export class AutomationPage {
  readonly element: HTMLElement;
  private readonly title = el('h1', { tabindex: -1 }, t.title);
  private readonly state = el('p', { class: 'automation-state', role: 'status' });
  private readonly notes = el('ul', { class: 'automation-notes', 'aria-label': t.notes });
  private readonly choice = el('select', { name: 'of' });
  private readonly light = el('input', { type: 'checkbox', name: 'light' });
  private readonly pointer = el('input', { type: 'checkbox', name: 'pointer' });
  private readonly tag = el('input', { type: 'checkbox', name: 'tag' });
  private readonly clips = el('input', { type: 'checkbox', name: 'motion_clips' });
  private readonly external = el('input', { type: 'checkbox', name: 'external_clips' });
  private readonly moving = el('p', {});
  private readonly still = el('button', { class: 'button', type: 'button' }, t.stopAll);
  private readonly undo = el('input', { type: 'checkbox', name: 'undo', checked: true });
  private readonly save = el('button', { class: 'button', type: 'submit' });
  private readonly stop = el('button', { class: 'button', type: 'button' }, t.off);
  private readonly form: HTMLFormElement;
  private readonly taking: HTMLElement;
  private readonly ending: HTMLElement;
  private keepsRules = false;

  constructor(
    private readonly api: Api,
    leave: () => void,
  ) {
    const back = el(
      'button',
      {
        class: 'icon-button',
        type: 'button',
        'aria-label': texts.back,
        title: `${texts.back} (${texts.keys.escape})`,
      },
      icon('back'),
    );
    back.addEventListener('click', leave);
    this.choice.append(...CHOICES.map((of) => el('option', { value: of }, t.of[of] ?? of)));
    this.form = el(
      'form',
      { class: 'automation-form', 'aria-label': t.settings },
      el('label', { class: 'automation-choice' }, t.becomes, this.choice),
      option(this.light, t.light),
      option(this.pointer, t.pointer),
      option(this.tag, t.tag),
      option(this.clips, t.clips),
      option(this.external, t.external),
      this.save,
    );
    this.taking = el('div', { class: 'automation-form' }, this.moving, this.still);
    this.ending = el('div', { class: 'automation-form' }, option(this.undo, t.undo), this.stop);
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.act(() => this.api.beginIntegration(this.wanted()));
    });
    this.clips.addEventListener('change', () => this.showExternal());
    this.still.addEventListener('click', () => {
      void this.act(() => this.api.unlinkClips());
    });
    this.stop.addEventListener('click', () => {
      void this.act(() => this.api.endIntegration(this.undo.checked));
    });
    this.element = el(
      'div',
      { class: 'automation', hidden: true },
      el('header', { class: 'automation-head' }, back, this.title),
      el(
        'main',
        { class: 'automation-main' },
        this.state,
        this.notes,
        this.form,
        this.taking,
        this.ending,
      ),
    );
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') leave();
    });
  }

  async open(): Promise<void> {
    this.element.hidden = false;
    this.title.focus();
    await this.act(() => this.api.integration(), '');
  }

  close(): void {
    this.element.hidden = true;
  }

  private wanted(): Parameters<Api['beginIntegration']>[0] {
    const left = {
      pointer: this.pointer.checked,
      tag: this.tag.checked,
      motion_clips: this.clips.checked,
      external_clips: this.clips.checked && this.external.checked,
    };
    if (this.keepsRules) return left;
    const of = CHOICES[this.choice.selectedIndex] ?? 'all';
    return { rules: [ruleOf(of, this.light.checked)], ...left };
  }

  private async act(deed: () => Promise<Integration>, said = t.done): Promise<void> {
    const buttons = [this.save, this.still, this.stop];
    for (const one of buttons) one.disabled = true;
    try {
      await this.show(await deed());
      if (said) announce(said);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'unauthorized') return;
      const { title, advice } = explainError(error);
      this.state.textContent = `${title} ${advice} ${error.message}`;
      this.form.hidden = error.code === 'no_workflows';
    } finally {
      for (const one of buttons) one.disabled = false;
      // A button that was pressed may be gone, and with it the place of whoever uses the keyboard.
      if (!this.element.contains(document.activeElement)) this.title.focus();
    }
  }

  private async show(integration: Integration): Promise<void> {
    const { rules } = await this.api.rules();
    const chosen = chosenBy(rules);
    this.keepsRules = rules.length > 0 && chosen === null;
    const isOff = integration.state === 'off';
    this.state.textContent = stateWords(integration);
    this.notes.replaceChildren(...noteWords(integration).map((words) => el('li', {}, words)));
    if (this.keepsRules) this.notes.append(el('li', {}, t.ownRules));
    this.choice.disabled = this.light.disabled = this.keepsRules;
    if (chosen) this.choice.value = chosen.of;
    this.light.checked = chosen?.light ?? false;
    this.pointer.checked = integration.left.pointer?.wanted ?? false;
    this.tag.checked = integration.left.tag?.wanted ?? false;
    this.clips.checked = integration.left.motion_clips?.wanted ?? false;
    this.external.checked = integration.external_clips;
    this.showExternal();
    this.moving.textContent = movingWords(integration.clips);
    this.taking.hidden = integration.clips === 0;
    this.save.textContent = isOff ? t.on : t.save;
    this.ending.hidden = isOff;
    this.element.dataset.state = integration.state;
  }

  /** Files of external libraries are a matter for whoever wants clips at all. */
  private showExternal(): void {
    this.external.disabled = !this.clips.checked;
  }
}

function option(input: HTMLInputElement, words: string): HTMLElement {
  return el('label', { class: 'automation-option' }, input, words);
}
