import type { Asset, Model, PhotoDetail } from '../api/schema';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import type { Known } from './infoFacts';

const t = texts.info;

interface InfoActions {
  close(): void;
  show(asset: Asset): void;
}

/** What is known of a photo: where it came from, what was made of it, by what, and why. */
export class InfoPanel {
  readonly element: HTMLElement;
  private readonly body = el('div', { class: 'info-body' });
  private known: Known | null = null;

  constructor(private readonly actions: InfoActions) {
    const close = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': t.close },
      icon('close'),
    );
    close.addEventListener('click', () => actions.close());
    this.element = el(
      'aside',
      { class: 'info', 'aria-label': t.label, hidden: true },
      el('header', { class: 'info-head' }, el('h2', {}, t.title), close),
      this.body,
    );
  }

  /** Tells of a photo, once what tells it is there: read from the server when somebody first asks. */
  update(photo: PhotoDetail, models: Model[], shown: (asset: Asset) => boolean): void {
    void this.tell({ photo, models, shown, show: this.actions.show });
  }

  private async tell(known: Known): Promise<void> {
    this.known = known;
    const { factsOf } = await import('./infoFacts');
    if (known === this.known) this.body.replaceChildren(...factsOf(known));
  }
}
