import type { Asset, Config, PhotoDetail, Quality } from '../api/schema';
import { videoHash } from '../router';
import { placeLink } from '../scenes/hook';

import { isFilled } from '../scenes/versions';
import { texts } from '../texts';

import type { InImmich } from './inImmich';
import { MakeDialog } from './make';
import { bestAsset } from './modes';
import { MotionDialog } from './motion';
import { Popup, popupAction, popupLink } from './popup';

const t = texts.menu;

export interface MoreActions {
  makeSplat(model: string, quality: Quality, force: boolean): void;
  makeDepth(force: boolean): void;
  makeMotion(path: string): void;
  /** Fills what is missing in the 3D by this model. */
  fill(model: string): void;
  /** Shows a filled version beside what it was. */
  compare(filled: Asset): void;
  /** What there is about how the photo is seen. */
  view(photo: PhotoDetail, row: MoreMenu['row']): HTMLElement[];
  fullscreen(): void;
  help(): void;
  /** Asks again what this server can do: models come and go. */
  readConfig(): void;
}

/** The menu with what is not needed every day. */
export class MoreMenu {
  readonly popup: Popup;
  private readonly dialog = new MakeDialog();
  private readonly motion = new MotionDialog();

  constructor(
    private readonly photo: () => PhotoDetail | null,
    private readonly config: () => Config | null,
    private readonly mayMake: () => boolean,
    private readonly inImmich: InImmich,
    private readonly actions: MoreActions,
  ) {
    this.popup = new Popup('more', t.more, t.more, () => {
      this.fill();
      actions.readConfig();
    });
  }

  private fill(): void {
    const photo = this.photo();
    const config = this.config();
    if (!photo || !config) return;
    const has = (kind: string) => photo.assets.some((asset) => asset.kind === kind);
    const actions = this.actions;
    const choose = () =>
      this.dialog.show(config, (model, quality) => actions.makeSplat(model, quality, has('splat')));
    const making = [
      this.row('layers', has('splat') ? t.make3dAgain : t.make3dWith, choose, t.chooseBoth),
      this.row('redo', has('depth') ? t.depthAgain : t.depthOnly, () =>
        actions.makeDepth(has('depth')),
      ),
      this.row(
        'film',
        t.move,
        () => this.motion.show((path) => actions.makeMotion(path)),
        t.moveNote,
      ),
    ];
    const splats = photo.assets.filter(({ kind }) => kind === 'splat');
    const whole = bestAsset(
      splats.filter((asset) => !isFilled(asset)),
      'splat',
    );
    const filled = bestAsset(splats.filter(isFilled), 'splat');
    if (whole)
      making.push(
        this.row('fill', texts.scenes.fill, () => actions.fill(whole.model_key), t.fillNote),
      );
    const rows: HTMLElement[] = [
      ...(this.mayMake() ? making : []),
      ...(filled ? [this.row('compare', t.compare, () => actions.compare(filled))] : []),
      ...(this.mayMake() && config.library === 'immich' ? this.inImmich.rows(photo) : []),
      ...(photo.playback ? [popupLink('film', t.film, t.filmNote, videoHash(photo.id))] : []),
      ...(this.mayMake() ? [placeLink({ kind: 'photo', id: photo.id })] : []),
      ...actions.view(photo, (...row) => this.row(...row)),
      this.row('fullscreen', texts.photo.fullScreen, actions.fullscreen),
      this.row('help', t.keys, actions.help),
    ];
    if (photo.external_url) {
      const link = popupLink('open', texts.inImmich, '', photo.external_url);
      link.target = '_blank';
      link.rel = 'noopener';
      rows.unshift(link);
    }
    this.popup.replace(...rows);
  }

  /** A row that closes the menu before it does something. */
  row(
    name: Parameters<typeof popupAction>[0],
    label: string,
    run: () => void,
    note = '',
  ): HTMLElement {
    return popupAction(name, label, note, () => {
      this.popup.hide();
      this.popup.focus();
      run();
    });
  }
}
