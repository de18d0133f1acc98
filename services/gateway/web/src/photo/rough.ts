import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Asset, ModelDetails } from '../api/schema';
import type { Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { bytesWords } from '../ui/words';
import { isRough } from './modes';

/** Free, small, and far better than a guess. */
const RECOMMENDED = 'da2-small';
const t = texts.rough;

interface RoughActions {
  /** Makes the 3D of this photo anew, with the best model there is. */
  remake(id: string): void;
  refused(id: string, error: unknown): void;
}

/** Says of 3D that was guessed that it is rough, and gets what makes it better: the model, and 3D made with it. */
export class RoughChip {
  readonly element = el('button', { class: 'button is-small rough', type: 'button', hidden: true });
  private model: ModelDetails | null = null;
  private asked = false;
  private id = '';
  /** The photos for which the model was asked for. */
  private readonly waitingFor = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly actions: RoughActions,
  ) {
    this.element.addEventListener('click', () => void this.improve());
    store.on('model', (news) => {
      if (typeof news === 'string' || news.key !== RECOMMENDED || !this.model) return;
      this.model = { ...this.model, ...news };
      this.tell();
      if (news.state === 'ready') this.goOn();
      if (news.state === 'failed' || news.state === 'downloadable') this.waitingFor.clear();
    });
    // Who signed out wishes for nothing any more.
    store.on('list', ({ reset }) => reset && this.waitingFor.clear());
  }

  /** assets: all that there is of the photo; its 3D is what counts, and its depth where there is none. */
  show(id: string, assets: Asset[]): void {
    this.id = id;
    const splats = assets.filter(({ kind }) => kind === 'splat');
    const shown = splats.length > 0 ? splats : assets.filter(({ kind }) => kind === 'depth');
    const rough = shown.length > 0 && shown.every(isRough);
    this.element.hidden = !rough || this.store.share !== null;
    if (rough && !this.asked && !this.store.share) void this.look();
    this.tell();
  }

  private async look(): Promise<void> {
    this.asked = true;
    try {
      this.model = await this.api.model(RECOMMENDED);
      this.tell();
    } catch (error) {
      // What is shown is rough all the same.
      if (!(error instanceof ApiError)) throw error;
      this.asked = false;
    }
  }

  private async improve(): Promise<void> {
    const { model } = this;
    if (!model) return;
    if (isHere(model)) {
      this.actions.remake(this.id);
      return;
    }
    const wished = this.id;
    const isAsked = this.waitingFor.size > 0;
    this.waitingFor.add(wished);
    if (isAsked) return;
    try {
      await this.api.manageModel(RECOMMENDED, 'download');
    } catch (error) {
      this.waitingFor.clear();
      this.actions.refused(wished, error);
    }
    this.tell();
  }

  private goOn(): void {
    const ids = [...this.waitingFor];
    this.waitingFor.clear();
    for (const id of ids) this.actions.remake(id);
  }

  private tell(): void {
    const { model } = this;
    const can = model !== null && (isHere(model) || model.possible.includes('download'));
    this.element.disabled = !can && this.waitingFor.size === 0;
    const words = () => {
      if (!model) return t.rough;
      if (model.state === 'downloading')
        return t.getting(model.total > 0 ? Math.round((100 * model.done) / model.total) : 0);
      if (isHere(model)) return t.remake(model.name);
      return can ? t.get(model.size === null ? '' : bytesWords(model.size)) : t.rough;
    };
    if (this.waitingFor.size > 0 && model?.state === 'ready') announce(t.here);
    this.element.textContent = words();
  }
}

const isHere = ({ state }: ModelDetails): boolean => ['ready', 'loading', 'loaded'].includes(state);
