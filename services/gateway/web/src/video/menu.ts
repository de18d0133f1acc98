import type { Model, VideoDetail } from '../api/schema';
import { Popup, popupAction, popupLink } from '../photo/popup';
import { placeLink } from '../scenes/hook';
import { catalogue, texts } from '../texts';
import { el } from '../ui/dom';
import { clockWords, modelWords } from '../ui/words';
import { bestDepth } from './assets';
import { VideoMakeDialog } from './make';

const t = texts.menu;

export interface MenuActions {
  /** again: over the depth that there is. */
  make(model: string, again: boolean): void;
  reset(): void;
  help(): void;
}

/** The menu with what a video is, what its depth was made by, and what is not needed every day. */
export class VideoMenu {
  readonly popup: Popup;
  private readonly dialog = new VideoMakeDialog();

  constructor(
    private readonly video: () => VideoDetail | null,
    private readonly models: () => Model[],
    private readonly mayMake: () => boolean,
    private readonly actions: MenuActions,
  ) {
    this.popup = new Popup('more', t.more, t.more, () => this.fill(), 'popup-more-video');
  }

  private fill(): void {
    const video = this.video();
    if (!video) return;
    const depth = bestDepth(video.assets);
    const { make, reset, help } = this.actions;
    const rows: HTMLElement[] = [this.about(video)];
    if (video.external_url) {
      const link = popupLink('open', texts.inImmich, '', video.external_url);
      link.target = '_blank';
      link.rel = 'noopener';
      rows.push(link);
    }
    if (this.mayMake()) {
      const label = depth ? t.make3dAgain : t.make3dWith;
      const choose = () => this.dialog.show(this.models(), (model) => make(model, depth !== null));
      rows.push(this.row('redo', label, choose, t.chooseModel));
      rows.push(placeLink({ kind: 'video', id: video.id }));
    }
    if (depth) rows.push(this.row('reset', t.reset, reset));
    rows.push(this.row('help', t.keys, help));
    this.popup.replace(...rows);
  }

  private about(video: VideoDetail): HTMLElement {
    const depth = bestDepth(video.assets);
    const size = video.width && video.height ? `${video.width} × ${video.height}` : '';
    const length = video.duration_s === null ? '' : clockWords(video.duration_s);
    const facts = [size, length].filter(Boolean).join(' · ');
    return el(
      'div',
      { class: 'video-facts' },
      facts !== '' && el('p', {}, facts),
      depth && el('p', {}, texts.video.depthBy(modelWords(depth.model_key, this.models()))),
      depth?.outdated && el('p', { class: 'info-outdated' }, texts.video.changed),
      depth &&
        depth.reason !== '' &&
        el('p', { class: 'popup-note' }, catalogue.told(depth.reason)),
      ...(depth?.losses ?? []).map((loss) =>
        el('p', { class: 'popup-note' }, catalogue.told(loss)),
      ),
    );
  }

  private row(name: Parameters<typeof popupAction>[0], label: string, run: () => void, note = '') {
    return popupAction(name, label, note, () => {
      this.popup.hide();
      run();
    });
  }
}
