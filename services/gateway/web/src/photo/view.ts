import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Asset, Job, PhotoDetail } from '../api/schema';
import { addsFiles } from '../catalog';
import type { Settings } from '../settings/settings';
import { isActive, jobToShow, type Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { explainError, explainRefusal, readyWords } from '../ui/errors';
import { dayWords } from '../ui/words';
import { iconButton, RestingChrome } from './chrome';
import { MotionClip } from './clip';
import { Compare } from './compare';
import { Dock } from './dock';
import { Downloads, formatsFor } from './downloads';
import { FavouriteButton } from './favourite';
import { FiguresDoor } from './figuresDoor';
import type { FilledDialog } from './filled';
import { toggleFullscreen } from './fullscreen';
import { InfoPanel } from './info';
import { InImmich } from './inImmich';
import { followInput } from './input';
import { photoChrome } from './layout';
import { Making } from './making';
import { MoreMenu } from './more';
import { Reading } from './reading';
import { RoughChip } from './rough';
import { isAllAround } from './sphere';
import { Stage } from './stage';
import { Steps } from './steps';
import { ModeSwitch } from './switch';
import { TiltButton } from './tilt';
import { explainTrouble, told } from './trouble';
import { viewRows } from './viewRows';

interface PhotoActions {
  help(): void;
  leave(): void;
  show(id: string): void;
  models(): void;
}

/** One photo, full screen: the stage and everything around it. */
export class PhotoView {
  readonly element = el('section', { class: 'photo', tabindex: -1, hidden: true });
  private readonly stage: Stage;
  private readonly dock: Dock;
  private readonly modes: ModeSwitch;
  private readonly downloads: Downloads;
  private readonly info: InfoPanel;
  private readonly more: MoreMenu;
  private readonly chrome: RestingChrome;
  private readonly clip: MotionClip;
  /** Null until something was compared. */
  private filled: FilledDialog | null = null;
  private readonly slider: Compare;
  private readonly title = el('h1', { class: 'photo-title' });
  private readonly date = el('p', { class: 'photo-date' });
  private readonly motion = iconButton('motion', texts.photo.motion, 'M', () =>
    this.stage.toggleMotion(),
  );
  private readonly tilt: TiltButton;
  private readonly favourite: FavouriteButton;
  private readonly rough: RoughChip;
  private readonly steps: Steps;
  private readonly making: Making;
  private readonly reading: Reading;
  private id: string | null = null;
  private detail: PhotoDetail | null = null;
  private readonly figures: FiguresDoor;

  constructor(
    api: Api,
    private readonly store: Store,
    settings: Settings,
    private readonly actions: PhotoActions,
  ) {
    this.stage = new Stage(api, settings);
    this.dock = new Dock({
      cancel: (id) => void this.making.ask(this.id, () => api.cancel(id)),
      retry: (id) => void this.making.ask(this.id, () => api.retry(id)),
    });
    this.steps = new Steps(
      api,
      store,
      () => this.id,
      () => settings.look.adjacentPhotosCount,
      (id) => this.actions.show(id),
    );
    this.making = new Making(api, store, settings, this.dock, {
      id: () => this.id,
      detail: () => this.detail,
      models: () => this.actions.models(),
      shown: () => this.chrome.wake(),
    });
    this.reading = new Reading(store, () => this.id, {
      read: (detail) => this.present(detail),
      failed: (error) => {
        if (!this.detail) this.showGone();
        this.making.showFailure(explainError(error), () => void this.reading.now());
      },
    });
    this.figures = new FiguresDoor(this.stage, this.element);
    this.tilt = new TiltButton(
      () => this.id !== null && this.stage.mode !== 'flat',
      (x, y) => this.stage.steering.leanTo(x, y),
    );
    this.modes = new ModeSwitch((mode) => this.stage.choose(mode));
    const mayDownload = () => store.share?.allow_download ?? true;
    this.downloads = new Downloads(
      api,
      () => (store.share ? [] : formatsFor(store.config?.formats ?? [], settings.look)),
      mayDownload,
      (job) => store.applyJob(job),
    );
    this.info = new InfoPanel({
      close: () => this.toggleInfo(),
      show: (asset) => this.stage.showAsset(asset),
    });
    this.slider = new Compare(this.stage, () => this.element.focus());
    this.more = new MoreMenu(
      () => this.detail,
      () => store.config,
      () => store.share === null,
      new InImmich(api),
      {
        makeSplat: (model, quality, force) =>
          void this.making.splat(this.id, force, { model, quality }),
        makeDepth: (force) => void this.making.depth(force),
        makeMotion: (path) => {
          this.clip.expectAnother();
          void this.making.motion(path);
        },
        fill: (model) => void this.making.fill(model),
        compare: (filled) => void this.compare(api, filled),
        view: (photo, row) =>
          viewRows(this.stage, this.slider, photo, {
            row,
            mayDownload: mayDownload(),
            failed: (words) => this.dock.showTrouble(told(words, false), null),
          }),
        fullscreen: () => void toggleFullscreen(),
        help: () => this.actions.help(),
        readConfig: () => void this.readConfig(api),
      },
    );
    this.favourite = new FavouriteButton(api, store, (id, error, again) => {
      if (!(error instanceof ApiError)) throw error;
      if (id === this.id) this.making.showFailure(explainRefusal(error), again);
    });
    this.rough = new RoughChip(api, store, {
      remake: (id) => void this.making.splat(id, true),
      refused: (id, error) => {
        if (!(error instanceof ApiError)) throw error;
        if (id === this.id) this.making.showRefusal(error, () => this.rough.element.click());
      },
    });
    this.chrome = new RestingChrome(this.element, () => this.mustStayVisible());
    this.clip = new MotionClip(api, this.stage.element, () =>
      this.dock.showTrouble(explainTrouble('no-clip'), null),
    );
    this.build();
    this.watch();
  }

  /** Shows a photo; the flat picture is there as soon as the list knows it. */
  async open(id: string): Promise<void> {
    if (id === this.id) return;
    const first = this.id === null;
    this.id = id;
    this.detail = null;
    this.element.hidden = false;
    this.dock.reset();
    this.more.popup.hide();
    this.downloads.popup.hide();
    this.filled?.close();
    const known = this.store.photos.get(id);
    if (known) this.present({ ...known, assets: [] });
    if (first) {
      this.element.focus();
      this.figures.run(true);
    }
    this.chrome.wake();
    await this.reading.now();
    await this.lookAround();
  }

  /** Puts another button into the bar. */
  offer(button: HTMLElement): void {
    this.downloads.popup.element.before(button);
  }

  /** Leaves the photo; returns which one it was. */
  close(): string | null {
    const { id } = this;
    if (id === null) return null;
    this.id = null;
    this.detail = null;
    this.element.hidden = true;
    this.info.element.hidden = true;
    this.chrome.stop();
    this.stage.close();
    this.clip.stop();
    this.filled?.close();
    this.figures.run(false);
    this.reading.stop();
    if (document.fullscreenElement) void document.exitFullscreen();
    return id;
  }

  /** Learns what lies beside this photo, as where an address led to it, and has its pictures ready. */
  async lookAround(): Promise<void> {
    await this.steps.lookAround(this.detail, () => this.stage.sharp);
  }

  private build(): void {
    this.motion.classList.add('motion');
    const deeds = {
      leave: () => this.actions.leave(),
      info: () => this.toggleInfo(),
      help: () => this.actions.help(),
    };
    const { bar, foot } = photoChrome(deeds, {
      title: this.title,
      date: this.date,
      deeds: [this.making.button, this.favourite.element, this.downloads.popup.element],
      more: this.more.popup.element,
      told: [this.dock.element, this.rough.element],
      controls: [this.modes.element, this.motion, this.tilt.element, this.clip.button],
    });
    const { previous, next } = this.steps;
    this.element.append(
      this.stage.element,
      this.slider.element,
      bar,
      previous,
      next,
      foot,
      this.info.element,
    );
  }

  private watch(): void {
    followInput(this.stage, {
      isOpen: () => this.id !== null,
      leave: () => (this.info.element.hidden ? this.actions.leave() : this.toggleInfo()),
      step: (direction) => this.steps.step(direction),
      tilt: () => void this.tilt.toggle(),
      info: () => this.toggleInfo(),
      downloads: () => this.downloads.popup.toggle(),
      clip: () => this.clip.toggle(),
      figures: () => void this.figures.toggle(),
      tapped: () => this.chrome.toggle(),
      acted: () => this.chrome.wake(),
    });
    this.stage.on('mode', () => this.updateModes());
    this.stage.on('motion', () => this.updateModes());
    this.stage.on('loading', (loading) => this.dock.showLoading(loading));
    this.stage.on('trouble', (trouble) => {
      this.making.isBroken = trouble === 'no-picture';
      this.making.update();
      if (!trouble) return this.dock.hideError();
      const retry = { label: texts.photo.again, run: () => this.stage.recover() };
      return this.dock.showTrouble(explainTrouble(trouble), trouble === 'no-webgl' ? null : retry);
    });
    this.store.on('job', (job) => this.onJob(job));
    this.store.on('assets', ({ photoId, asset }) => photoId === this.id && this.onAsset(asset));
    this.store.on('photo', (id) => id === this.id && this.updateFavourite());
    this.store.on('list', () => this.steps.update());
    this.store.on('connection', (connected) => {
      if (connected && this.id) this.reading.soon();
    });
  }

  /** There is nothing to look at, or to do: only the way back, and what is said of it. */
  private showGone(): void {
    this.title.textContent = texts.gone.title;
    this.date.textContent = '';
    document.title = `${texts.gone.title} · ImmichVR`;
    this.making.button.hidden = true;
    this.element.classList.add('is-gone');
  }

  /** Shows what was missing in the 3D of this photo, before and after it was filled. */
  private async compare(api: Api, filled: Asset): Promise<void> {
    const { id } = this;
    const { FilledDialog } = await import('./filled');
    this.filled ??= new FilledDialog(api);
    if (id === this.id) this.filled.show(filled);
  }

  private async readConfig(api: Api): Promise<void> {
    try {
      this.store.config = await api.config();
    } catch (error) {
      // What was known before still does.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private present(detail: PhotoDetail): void {
    const first = this.detail?.id !== detail.id;
    this.detail = detail;
    const name = detail.name || texts.unnamedPhoto;
    this.title.textContent = detail.name;
    this.date.textContent = dayWords(detail.taken_at);
    document.title = `${name} · ImmichVR`;
    this.element.setAttribute('aria-label', texts.photo.named(detail.name));
    if (first) {
      this.stage.open(detail);
      this.steps.update();
    }
    const { config, share } = this.store;
    this.stage.whoDraws.isOffered = config?.draws_splats === true && share === null;
    this.stage.setAssets(detail.assets);
    this.favourite.show(detail);
    this.rough.show(detail.id, detail.assets);
    this.element.classList.remove('is-gone');
    this.element.classList.toggle('is-all-around', isAllAround(detail));
    this.clip.setAssets(detail, detail.assets);
    this.downloads.setPhoto(detail);
    this.dock.showJob(jobToShow(this.store.photos.get(detail.id) ?? detail));
    this.making.update();
    this.updateInfo();
  }

  /** Takes in an asset that came with what it is; anything else is read. */
  private onAsset(asset: Asset | null): void {
    // An answer that is on its way may be older than the asset.
    if (!asset || !this.detail || this.reading.isUnderWay) {
      this.reading.soon();
      return;
    }
    const others = this.detail.assets.filter(({ key }) => key !== asset.key);
    this.present({ ...this.detail, assets: [...others, asset] });
  }

  private onJob(job: Job): void {
    if (job.photo_id !== this.id) return;
    if (addsFiles(job.kind)) {
      this.downloads.follow(job);
      return;
    }
    this.dock.showJob(isActive(job) || job.state === 'failed' ? job : null);
    if (job.state === 'succeeded') announce(`${readyWords(job.kind)}.`);
    if (job.state === 'cancelled') announce(texts.work.cancelled);
    this.making.update();
  }

  private updateModes(): void {
    const { mode, wish } = this.stage;
    this.modes.update(mode, wish, (m) => m === 'flat' || this.stage.available(m));
    this.motion.hidden = mode === 'flat';
    this.motion.setAttribute('aria-pressed', String(this.stage.moving));
    this.element.dataset.shows = mode;
    this.updateInfo();
  }

  private updateFavourite(): void {
    const known = this.store.photos.get(this.id ?? '');
    if (!known || known.id !== this.detail?.id) return;
    this.detail = { ...this.detail, favorite: known.favorite };
    this.favourite.show(this.detail);
  }

  private updateInfo(): void {
    if (!this.detail || this.info.element.hidden) return;
    const models = this.store.config?.models ?? [];
    this.info.update(this.detail, models, (asset) => this.stage.shows(asset));
  }

  private toggleInfo(): void {
    this.info.element.hidden = !this.info.element.hidden;
    this.updateInfo();
    const target = this.info.element.hidden
      ? this.element
      : this.info.element.querySelector('button');
    target?.focus();
  }

  private mustStayVisible(): boolean {
    const open = this.more.popup.open || this.downloads.popup.open || !this.info.element.hidden;
    const dialog = document.querySelector('dialog[open]') !== null;
    return open || dialog || this.stage.mode === 'flat' || this.dock.occupied;
  }
}
