import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Job, PhotoDetail, Quality } from '../api/schema';
import type { Settings } from '../settings/settings';
import { isActive, type Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { aboutModels, type Explanation, explainError } from '../ui/errors';
import { icon } from '../ui/icons';
import type { Dock } from './dock';
import { isFlat } from './sphere';

interface Around {
  /** The photo that is open. */
  id(): string | null;
  /** What is known of it. */
  detail(): PhotoDetail | null;
  /** Leads to the models. */
  models(): void;
  /** Something was said that should be seen. */
  shown(): void;
}

interface Wish {
  model: string;
  quality: Quality;
}

/** Has things made of a photo, and says why where they cannot be. */
export class Making {
  readonly button = el('button', { class: 'button is-primary make', type: 'button' });

  /** Whether the picture itself cannot be had, of which nothing is made. */
  isBroken = false;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly settings: Settings,
    private readonly dock: Dock,
    private readonly around: Around,
  ) {
    this.button.append(icon('layers'), texts.photo.make);
    const make = () => void this.splat(around.id(), false);
    this.button.addEventListener('click', make);
  }

  update(): void {
    const detail = this.around.detail();
    const working = detail && isActive(this.store.photos.get(detail.id)?.job ?? null);
    const { badges } = detail ?? {};
    const made = badges?.splat || (detail?.assets.some((asset) => asset.kind === 'splat') ?? false);
    const mayBeMade = detail && !made && !working && isFlat(detail) && !this.isBroken;
    this.button.hidden = !mayBeMade || this.store.share !== null;
  }

  /** With the best model there is, in the detail that somebody has chosen, unless another `wish` is named. */
  async splat(id: string | null, force: boolean, wish: Wish = this.settings.making): Promise<void> {
    if (id) await this.ask(id, () => this.api.makeOf('photo', id, 'splat', { ...wish, force }));
  }

  async depth(force: boolean): Promise<void> {
    const id = this.around.id();
    if (id)
      await this.ask(id, () => this.api.makeOf('photo', id, 'depth', { model: 'auto', force }));
  }

  async fill(model: string): Promise<void> {
    const id = this.around.id();
    if (id) await this.ask(id, () => this.api.fillMissingOf(id, model));
  }

  async motion(path: string): Promise<void> {
    const id = this.around.id();
    if (id) await this.ask(id, () => this.api.makeOf('photo', id, 'motion', { path }));
  }

  /** Asks the server for a job of a photo, and shows it or why there is none, where that photo is open. */
  async ask(id: string | null, request: () => Promise<Job>): Promise<void> {
    const isOpen = () => id === this.around.id();
    if (isOpen()) {
      this.dock.hideError();
      this.button.disabled = true;
    }
    try {
      this.store.applyJob(await request());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (isOpen()) this.showRefusal(error, () => void this.ask(id, request));
    } finally {
      this.button.disabled = false;
    }
  }

  /** Says why there is no job; where a model is not to be had yet, leads to the models. */
  showRefusal(error: ApiError, again: () => void): void {
    if (aboutModels(error)) {
      const models = { label: texts.photo.models, run: () => this.around.models() };
      this.dock.showTrouble(explainError(error), models);
      this.around.shown();
    } else this.showFailure(explainError(error), again);
  }

  showFailure(explanation: Explanation, again: () => void): void {
    const retry = explanation.retriable ? { label: texts.photo.again, run: again } : null;
    this.dock.showTrouble(explanation, retry);
    this.around.shown();
  }
}
