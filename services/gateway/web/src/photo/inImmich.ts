import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { PhotoDetail } from '../api/schema';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { popupAction } from './popup';

const t = texts.menu;

/** The row by which a photo that has a motion clip moves in Immich itself, or stands still there again. */
export class InImmich {
  private readonly row = el('div', {});
  private photo = '';

  constructor(private readonly api: Api) {}

  /** For one's own photo of which there is a clip; else none. */
  rows({ id, mine, assets }: PhotoDetail): HTMLElement[] {
    if (!mine || !assets.some(({ kind }) => kind === 'motion')) return [];
    this.photo = id;
    this.row.replaceChildren();
    this.look(id);
    return [this.row];
  }

  private look(id: string): void {
    void this.attempt(id, async () => this.show(id, await this.api.clipInImmich(id)));
  }

  private show(id: string, clip: string | null): void {
    if (id !== this.photo) return;
    const action = clip
      ? popupAction('film', t.stillInImmich, t.stillNote, () =>
          this.change(id, () => this.api.unlinkClip(id), t.standsStill),
        )
      : this.link(id, t.moveInImmich, t.moveInImmichNote, false);
    this.row.replaceChildren(action);
  }

  private link(id: string, label: string, note: string, external: boolean): HTMLElement {
    const link = () => this.api.linkClip(id, external);
    return popupAction('film', label, note, () => this.change(id, link, t.movesInImmich));
  }

  private change(id: string, deed: () => Promise<void>, said: string): void {
    void this.attempt(id, async () => {
      await deed();
      announce(said);
      this.show(id, await this.api.clipInImmich(id));
    });
  }

  /** Does something, and says in the row why it did not work. */
  private async attempt(id: string, deed: () => Promise<void>): Promise<void> {
    try {
      await deed();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (id !== this.photo || error.code === 'unauthorized') return;
      const { title, advice } = explainError(error);
      // A file of an external library takes a yes of its own.
      const again =
        error.code === 'external_library'
          ? this.link(id, t.moveAllTheSame, title, true)
          : popupAction('redo', title, advice, () => this.look(id));
      again.classList.add('is-failed');
      this.row.replaceChildren(again);
    }
  }
}
