import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Asset, Job, PhotoDetail } from '../api/schema';
import { addsFiles } from '../catalog';
import type { Look } from '../settings/look';
import type { Settings } from '../settings/settings';
import { isActive, jobToShow, type Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { explainError, explainRefusal, readyWords } from '../ui/errors';
import { dayWords } from '../ui/words';
import { iconButton, RestingChrome } from './chrome';
import { MotionClip } from './clip';
import { Dock } from './dock';
import { Downloads } from './downloads';
import { FavouriteButton } from './favourite';
import type { Figures } from './figures';
import { FilledDialog } from './filled';
import { toggleFullscreen } from './fullscreen';
import { followGestures } from './gestures';
import { InfoPanel } from './info';
import { InImmich } from './inImmich';
import { actOnKey } from './keys';
import { Making } from './making';
import type { Mode } from './modes';
import { MoreMenu } from './more';
import { RoughChip } from './rough';
import { isAllAround } from './sphere';
import { Stage } from './stage';
import { Steps } from './steps';
import { ModeSwitch } from './switch';
import { TiltButton } from './tilt';
import { explainTrouble } from './trouble';

interface PhotoActions {
  help(): void;
  leave(): void;
  show(id: string): void;
  models(): void;
}

const REFRESH_DELAY_MS = 150;
const REFRESH_AGAIN_MS = 3000;

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
  private readonly filled: FilledDialog;
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
  private id: string | null = null;
  private detail: PhotoDetail | null = null;
  private figures: Figures | null = null;
  private refreshTimer = 0;
  private refreshing = 0;

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
      blur: () => this.element.focus(),
    });
    this.tilt = new TiltButton(
      () => this.id !== null && this.stage.mode !== 'flat',
      (x, y) => this.stage.leanTo(x, y),
    );
    this.modes = new ModeSwitch((mode) => this.stage.choose(mode));
    this.downloads = new Downloads(
      api,
      () => (store.share ? [] : offered(store.config?.formats ?? [], settings.look)),
      () => store.share?.allow_download ?? true,
      (job) => store.applyJob(job),
    );
    this.info = new InfoPanel({
      close: () => this.toggleInfo(),
      show: (asset) => this.stage.showAsset(asset),
    });
    this.filled = new FilledDialog(api);
    this.more = new MoreMenu(
      () => this.detail,
      () => store.config,
      () => store.share === null,
      new InImmich(api),
      {
        makeSplat: (model, quality, force) =>
          void this.making.splat(this.id, model, quality, force),
        makeDepth: (force) => void this.making.depth(force),
        makeMotion: (path) => {
          this.clip.expectAnother();
          void this.making.motion(path);
        },
        fill: (model) => void this.making.fill(model),
        compare: (filled) => this.filled.show(filled),
        reset: () => this.stage.resetView(),
        whoDraws: () => this.stage.otherDrawer,
        draw: (choice) => this.stage.chooseWhoDraws(choice),
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
      remake: (id) => void this.making.best(id, true),
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
    this.filled.close();
    const known = this.store.photos.get(id);
    if (known) this.present({ ...known, assets: [] });
    if (first) {
      this.element.focus();
      this.figures?.run(true);
    }
    this.chrome.wake();
    await this.refresh();
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
    this.filled.close();
    this.figures?.run(false);
    window.clearTimeout(this.refreshTimer);
    if (document.fullscreenElement) void document.exitFullscreen();
    return id;
  }

  /** Learns what lies beside this photo, as where an address led to it, and has its pictures ready. */
  async lookAround(): Promise<void> {
    await this.steps.lookAround(this.detail, () => this.stage.sharp);
  }

  private build(): void {
    const back = iconButton('back', texts.photo.back, texts.keys.escape, () =>
      this.actions.leave(),
    );
    const info = iconButton('info', texts.photo.about, 'I', () => this.toggleInfo());
    const full = iconButton(
      'fullscreen',
      texts.photo.fullScreen,
      'F',
      () => void toggleFullscreen(),
    );
    const help = iconButton('help', texts.photo.help, 'H', () => this.actions.help());
    for (const button of [full, help]) button.classList.add('is-extra');
    this.motion.classList.add('motion');
    this.element.append(
      this.stage.element,
      el(
        'header',
        { class: 'photo-bar' },
        back,
        el('div', { class: 'photo-name' }, this.title, this.date),
        this.making.button,
        this.favourite.element,
        this.downloads.popup.element,
        info,
        full,
        help,
        this.more.popup.element,
      ),
      this.steps.previous,
      this.steps.next,
      el(
        'footer',
        { class: 'photo-foot' },
        this.dock.element,
        this.rough.element,
        el(
          'div',
          { class: 'photo-controls' },
          this.modes.element,
          this.motion,
          this.tilt.element,
          this.clip.button,
        ),
      ),
      this.info.element,
    );
  }

  private watch(): void {
    followGestures(this.stage.element, {
      looksAround: () => this.stage.looksAround,
      orbit: (dx, dy) => this.stage.orbitBy(dx, dy),
      dolly: (amount) => this.stage.dollyBy(amount),
      picture: this.stage.flat,
      twice: (at) =>
        this.stage.looksAround ? this.stage.resetView() : this.stage.flat.toggleZoom(at),
      swipe: (direction) => this.steps.step(direction),
      tap: (touch) => touch && this.chrome.toggle(),
    });
    document.addEventListener('keydown', (event) => this.onKey(event));
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
      if (connected && this.id) this.refreshSoon();
    });
  }

  /** Reads the photo anew; what goes wrong in the background is tried again without a word. */
  private async refresh(inBackground = false): Promise<void> {
    const { id } = this;
    if (!id) return;
    this.refreshing += 1;
    try {
      const detail = await this.store.openPhoto(id);
      if (id !== this.id) return;
      this.present(detail);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (id !== this.id || error.code === 'unauthorized') return;
      if (inBackground) {
        this.refreshSoon(REFRESH_AGAIN_MS);
        return;
      }
      if (!this.detail) this.showGone();
      this.making.showFailure(explainError(error), () => void this.refresh());
    } finally {
      this.refreshing -= 1;
    }
  }

  /** There is nothing to look at, or to do: only the way back, and what is said of it. */
  private showGone(): void {
    this.title.textContent = texts.gone.title;
    this.date.textContent = '';
    document.title = `${texts.gone.title} · ImmichVR`;
    this.making.button.hidden = true;
    this.element.classList.add('is-gone');
  }

  private async readConfig(api: Api): Promise<void> {
    try {
      this.store.config = await api.config();
    } catch (error) {
      // What was known before still does.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Results often come several at once: one reading serves them all. */
  private refreshSoon(delay = REFRESH_DELAY_MS): void {
    window.clearTimeout(this.refreshTimer);
    this.refreshTimer = window.setTimeout(() => void this.refresh(true), delay);
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
    if (!asset || !this.detail || this.refreshing > 0) {
      this.refreshSoon();
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

  private async toggleFigures(): Promise<void> {
    if (!this.figures) {
      const { Figures } = await import('./figures');
      this.figures = new Figures(this.stage);
      this.element.append(this.figures.element);
      this.figures.show(true);
    } else this.figures.show(this.figures.element.hidden === true);
  }

  private mustStayVisible(): boolean {
    const open = this.more.popup.open || this.downloads.popup.open || !this.info.element.hidden;
    const dialog = document.querySelector('dialog[open]') !== null;
    return open || dialog || this.stage.mode === 'flat' || this.dock.occupied;
  }

  private onKey(event: KeyboardEvent): void {
    if (!this.id || event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (event.target instanceof HTMLElement && event.target.matches('input, select')) return;
    const handled = actOnKey(event, {
      leave: () => (this.info.element.hidden ? this.actions.leave() : this.toggleInfo()),
      step: (direction) => this.steps.step(direction),
      choose: (mode: Mode) => {
        if (mode === 'flat' || this.stage.available(mode)) this.stage.choose(mode);
      },
      orbit: (dx, dy) => this.stage.orbitBy(dx, dy),
      dolly: (amount) => this.stage.comeCloser(amount),
      reset: () => this.stage.resetView(),
      motion: () => this.stage.toggleMotion(),
      tilt: () => void this.tilt.toggle(),
      info: () => this.toggleInfo(),
      downloads: () => this.downloads.popup.toggle(),
      clip: () => this.clip.toggle(),
      fullscreen: () => void toggleFullscreen(),
      figures: () => void this.toggleFigures(),
    });
    if (!handled) return;
    event.preventDefault();
    this.chrome.wake();
  }
}

/** The formats that may be made, those that somebody wants first; others stay to be had. */
function offered(formats: string[], { gaussianSplat }: Look): string[] {
  const wanted = gaussianSplat.formats.filter((one) => formats.includes(one));
  return [...wanted, ...formats.filter((one) => !wanted.includes(one))];
}
