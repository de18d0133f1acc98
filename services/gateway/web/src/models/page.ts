import './models.css';
import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { ModelDetails, ModelNews } from '../api/schema';
import type { Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { icon } from '../ui/icons';
import { bytesWords } from '../ui/words';
import { confirmed } from './confirm';
import { ModelRow } from './row';
import { GROUPS, type Group, groupOf, type Offer, withNews } from './words';

const t = texts.models;
const LOOK_AGAIN_MS = 10_000;

/** Every model: what state it is in, and what this person may do about it. */
export class ModelsPage {
  readonly element: HTMLElement;
  private readonly title = el('h1', { tabindex: -1 }, t.title);
  private readonly groups = new Map<Group, HTMLElement>();
  private readonly lists = new Map<Group, HTMLElement>();
  private readonly hint = el('p', { class: 'models-hint', role: 'status' });
  private readonly rows = new Map<string, ModelRow>();
  private readonly models = new Map<string, ModelDetails>();
  private timer = 0;

  constructor(
    private readonly api: Api,
    store: Store,
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
    for (const group of GROUPS) this.addGroup(group);
    this.element = el(
      'div',
      { class: 'models', hidden: true },
      el('header', { class: 'models-head' }, back, this.title),
      el('main', { class: 'models-main' }, this.hint, ...this.groups.values()),
    );
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') leave();
    });
    store.on('model', (told) => this.hear(told));
    store.on('connection', (connected) => connected && void this.load());
  }

  async open(): Promise<void> {
    this.element.hidden = false;
    this.title.focus();
    window.clearInterval(this.timer);
    this.timer = window.setInterval(() => void this.load(), LOOK_AGAIN_MS);
    await this.load();
  }

  close(): void {
    this.element.hidden = true;
    window.clearInterval(this.timer);
  }

  private async load(): Promise<void> {
    if (this.element.hidden) return;
    try {
      const { models, may_manage } = await this.api.models();
      this.hint.textContent = may_manage ? t.downloadedOnce : t.administrated;
      for (const model of models) this.show(model);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'unauthorized') return;
      const { title, advice } = explainError(error);
      this.hint.textContent = `${title} ${advice}`;
    }
  }

  private addGroup(group: Group): void {
    const list = el('ul', {
      class: 'models-list',
      'aria-label': group === 'others' ? t.title : t[group],
    });
    const heading = el(group === 'others' ? 'summary' : 'h2', { class: 'models-group' });
    if (group !== 'others') heading.textContent = t[group];
    const element = el(group === 'others' ? 'details' : 'section', { hidden: true }, heading, list);
    this.lists.set(group, list);
    this.groups.set(group, element);
  }

  /** Says how many there are of the others, and hides what has none. */
  private countGroups(): void {
    for (const [group, element] of this.groups) {
      const { childElementCount } = this.lists.get(group) as HTMLElement;
      element.hidden = childElementCount === 0;
      const heading = element.firstElementChild as HTMLElement;
      if (group === 'others') heading.textContent = t.others(childElementCount);
    }
  }

  private show(model: ModelDetails): void {
    this.models.set(model.key, model);
    const known = this.rows.get(model.key);
    if (known) {
      known.update(model);
      return;
    }
    const row = new ModelRow(model, (key, offer) => void this.act(key, offer));
    this.rows.set(model.key, row);
    this.lists.get(groupOf(model))?.append(row.element);
    this.countGroups();
  }

  private hear(told: ModelNews | string): void {
    if (this.element.hidden) return;
    if (typeof told === 'string') {
      void this.read(told);
      return;
    }
    const known = this.models.get(told.key);
    if (!known) return;
    const { model, stale } = withNews(known, told);
    this.show(model);
    if (!stale) return;
    if (told.state === 'ready' && known.state === 'downloading') announce(t.isHere(model.name));
    void this.read(told.key);
  }

  /** Reads one model anew: what may be done with it follows from more than its state. */
  private async read(key: string): Promise<void> {
    try {
      this.show(await this.api.model(key));
    } catch (error) {
      // The next look at all of them shows it.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private async act(key: string, { deed }: Offer): Promise<void> {
    const model = this.models.get(key);
    if (!model) return;
    try {
      if (deed === 'accept') await this.accept(model);
      else if (deed === 'delete') await this.delete(model);
      else if (deed === 'cancel') await this.api.cancel(model.job?.id ?? '');
      else await this.api.manageModel(key, deed);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await this.read(key);
      const { title, advice } = explainError(error);
      this.rows.get(key)?.showError(`${title} ${advice}`);
      return;
    }
    await this.read(key);
  }

  private async accept(model: ModelDetails): Promise<void> {
    const { name, url } = model.licence;
    const rest = [
      !model.commercial_use && t.noCommercialUse,
      t.readFirst,
      model.size !== null && t.has(bytesWords(model.size)),
    ];
    const link = el('a', { href: url, target: '_blank', rel: 'noopener' }, name);
    const yes = await confirmed({
      title: model.name,
      text: [`${t.licence} `, link, `. ${rest.filter(Boolean).join(' ')}`],
      yes: t.accept(name),
    });
    if (!yes) return;
    await this.api.acceptLicence(model.key, name);
    await this.api.manageModel(model.key, 'download');
  }

  private async delete(model: ModelDetails): Promise<void> {
    const size = model.size === null ? '' : t.frees(bytesWords(model.size));
    const yes = await confirmed({
      title: t.askDelete(model.name),
      text: [`${t.whatStays} ${size}`],
      yes: t.delete,
    });
    if (yes) await this.api.manageModel(model.key, 'delete');
  }
}
