import type { ModelDetails } from '../api/schema';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { ProgressBar } from '../ui/progress';
import { aboutWords, deedsOf, type Offer, stateWords, troubleWords } from './words';

/** One model: what it is, how it stands, what may be done with it. */
export class ModelRow {
  readonly element: HTMLElement;
  private readonly badge = el('span', { class: 'model-badge' }, texts.models.notCommercial);
  private readonly about = el('p', { class: 'model-about' });
  private readonly state = el('p', { class: 'model-state' });
  private readonly error = el('p', { class: 'model-error', role: 'alert', hidden: true });
  private readonly bar: ProgressBar;
  private readonly actions = el('div', { class: 'model-actions' });

  constructor(
    model: ModelDetails,
    private readonly onDeed: (key: string, offer: Offer) => void,
  ) {
    this.bar = new ProgressBar(texts.models.downloadOf(model.name));
    this.element = el(
      'li',
      { class: 'model', data: { model: model.key } },
      el('h3', {}, model.name, !model.commercial_use && this.badge),
      this.about,
      this.state,
      this.actions,
      this.error,
      this.bar.element,
    );
    const licence = el(
      'a',
      { href: model.licence.url, target: '_blank', rel: 'noopener' },
      model.licence.name,
    );
    this.about.append(`${aboutWords(model)} · `, licence);
    this.update(model);
  }

  update(model: ModelDetails): void {
    this.element.dataset.state = model.state;
    this.state.textContent = stateWords(model);
    const isDownloading = model.state === 'downloading';
    this.bar.element.hidden = !isDownloading;
    if (isDownloading)
      this.bar.set(model.total > 0 ? Math.round((100 * model.done) / model.total) : null);
    this.showError(troubleWords(model));
    this.offer(model);
  }

  showError(words: string): void {
    // What stands there already is not read out again.
    if (this.error.textContent !== words) this.error.textContent = words;
    this.error.hidden = words === '';
  }

  /** A button that keeps its meaning keeps the focus. */
  private offer(model: ModelDetails): void {
    const offers = deedsOf(model);
    const labels = [...this.actions.children].map((button) => button.textContent);
    if (labels.join() === offers.map(({ label }) => label).join()) return;
    this.actions.replaceChildren(
      ...offers.map((offer) => {
        const button = el(
          'button',
          {
            class: 'button is-small',
            type: 'button',
            'aria-label': `${offer.label}: ${model.name}`,
          },
          offer.label,
        );
        button.addEventListener('click', () => this.onDeed(model.key, offer));
        return button;
      }),
    );
  }
}
