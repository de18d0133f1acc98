import type { Model, VideoDetail } from '../api/schema';
import { Popup, popupAction, popupLink } from '../photo/popup';
import { placeLink } from '../scenes/hook';
import { el } from '../ui/dom';
import { clockWords, modelWords } from '../ui/words';
import { bestDepth } from './assets';
import { VideoMakeDialog } from './make';

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
    this.popup = new Popup('more', 'More', 'More', () => this.fill(), 'popup-more-video');
  }

  private fill(): void {
    const video = this.video();
    if (!video) return;
    const depth = bestDepth(video.assets);
    const { make, reset, help } = this.actions;
    const rows: HTMLElement[] = [this.about(video)];
    if (video.external_url) {
      const link = popupLink('open', 'Open in Immich', '', video.external_url);
      link.target = '_blank';
      link.rel = 'noopener';
      rows.push(link);
    }
    if (this.mayMake()) {
      const label = depth ? 'Make 3D again…' : 'Make 3D with…';
      const choose = () => this.dialog.show(this.models(), (model) => make(model, depth !== null));
      rows.push(this.row('redo', label, choose, 'Choose the model'));
      rows.push(placeLink({ kind: 'video', id: video.id }));
    }
    if (depth) rows.push(this.row('reset', 'Reset the view', reset));
    rows.push(this.row('help', 'Keys and gestures', help));
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
      depth && el('p', {}, `Depth by ${modelWords(depth.model_key, this.models())}`),
      depth?.outdated && el('p', { class: 'info-outdated' }, 'The video has changed since'),
      depth && depth.reason !== '' && el('p', { class: 'popup-note' }, depth.reason),
      ...(depth?.losses ?? []).map((loss) => el('p', { class: 'popup-note' }, loss)),
    );
  }

  private row(name: Parameters<typeof popupAction>[0], label: string, run: () => void, note = '') {
    return popupAction(name, label, note, () => {
      this.popup.hide();
      run();
    });
  }
}
