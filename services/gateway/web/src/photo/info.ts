import type { Asset, Model, PhotoDetail } from '../api/schema';
import { assetTitle } from '../catalog';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import { bytesWords, dateWords, dayWords, modelWords, secondsWords } from '../ui/words';

interface InfoActions {
  close(): void;
  show(asset: Asset): void;
}

/** What is known of a photo: where it came from, what was made of it, by what, and why. */
export class InfoPanel {
  readonly element: HTMLElement;
  private readonly body = el('div', { class: 'info-body' });

  constructor(private readonly actions: InfoActions) {
    const close = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': 'Close information' },
      icon('close'),
    );
    close.addEventListener('click', () => actions.close());
    this.element = el(
      'aside',
      { class: 'info', 'aria-label': 'About this photo', hidden: true },
      el('header', { class: 'info-head' }, el('h2', {}, 'About'), close),
      this.body,
    );
  }

  update(photo: PhotoDetail, models: Model[], shown: (asset: Asset) => boolean): void {
    const size = photo.width && photo.height ? `${photo.width} × ${photo.height}` : '';
    const facts: [string, string][] = [
      ['File', photo.name],
      ['Taken', dayWords(photo.taken_at)],
      ['Size', size],
    ];
    this.body.replaceChildren(
      list(facts),
      ...photo.assets.map((asset) => this.section(asset, photo.assets, models, shown(asset))),
    );
    if (photo.assets.length === 0) {
      this.body.append(el('p', { class: 'info-none' }, 'Nothing was made of this photo yet.'));
    }
  }

  private section(asset: Asset, all: Asset[], models: Model[], shown: boolean): HTMLElement {
    const total = Object.values(asset.timings).reduce((sum, seconds) => sum + seconds, 0);
    const { depth } = asset;
    const metres = depth?.metric && `${metresWords(depth.near)} to ${metresWords(depth.far)}`;
    const facts: [string, string][] = [
      ['Made by', modelWords(asset.model_key, models)],
      ['Why', asset.reason],
      ['Scale', asset.metric ? 'True, in metres' : 'Relative'],
      ['Distance', metres || ''],
      ['Took', total > 0 ? secondsWords(total) : ''],
      ['Made on', dateWords(asset.created_at)],
      ['Files', asset.files.map((file) => `${file.name} (${bytesWords(file.size)})`).join('\n')],
      ['Losses', asset.losses.join('\n')],
    ];
    const section = el(
      'section',
      { class: 'info-asset' },
      el('h3', {}, assetTitle(asset.kind)),
      asset.outdated && el('p', { class: 'info-outdated' }, 'A better version can be made now.'),
      list(facts),
    );
    if (all.filter((other) => other.kind === asset.kind).length > 1 && !shown) {
      const button = el('button', { class: 'button is-small', type: 'button' }, 'Show this one');
      button.addEventListener('click', () => this.actions.show(asset));
      section.append(button);
    }
    return section;
  }
}

function list(facts: [string, string][]): HTMLElement {
  const rows = facts
    .filter(([, value]) => value !== '')
    .map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)));
  return el('dl', { class: 'facts' }, ...rows);
}

function metresWords(metres: number): string {
  return `${metres < 10 ? metres.toFixed(1) : Math.round(metres)} m`;
}
