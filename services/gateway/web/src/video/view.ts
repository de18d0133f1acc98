import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Asset, Job, Video, VideoDetail } from '../api/schema';
import { addsFiles } from '../catalog';
import { iconButton, RestingChrome } from '../photo/chrome';
import { Dock } from '../photo/dock';
import { toggleFullscreen } from '../photo/fullscreen';
import { followGestures } from '../photo/gestures';
import { MODELS, videoHash } from '../router';
import { isActive, jobToShow, type Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { aboutModels, type Explanation, explainError, readyWords } from '../ui/errors';
import { icon } from '../ui/icons';
import { dayWords } from '../ui/words';
import { bestDepth, fileOf, fpsOf, layoutOf, startOf, stripOf, timesOf } from './assets';
import { Controls } from './controls';
import { VideoDownloads } from './downloads';
import { filmAt } from './film';
import { actOnVideoKey } from './keys';
import { VideoMenu } from './menu';
import { Player } from './player';
import { explainFilm } from './trouble';
import type { Videos } from './videos';
import { WhileMade } from './whileMade';

export interface VideoActions {
  help(): void;
  leave(): void;
  show(hash: string): void;
}

const REFRESH_DELAY_MS = 150;

/** One video, full screen: the player and everything around it. */
export class VideoView {
  readonly element = el('section', { class: 'photo video', tabindex: -1, hidden: true });
  private readonly player = new Player();
  private readonly controls: Controls;
  private readonly dock: Dock;
  private readonly downloads: VideoDownloads;
  private readonly menu: VideoMenu;
  private readonly chrome: RestingChrome;
  private readonly title = el('h1', { class: 'photo-title' });
  private readonly date = el('p', { class: 'photo-date' });
  private readonly make = el('button', { class: 'button is-primary make', type: 'button' });
  private readonly previous = iconButton('previous', texts.video.previous, texts.keys.pageUp, () =>
    this.step(-1),
  );
  private readonly next = iconButton('next', texts.video.next, texts.keys.pageDown, () =>
    this.step(1),
  );
  private id: string | null = null;
  /** The video that the player shows. */
  private begun: string | null = null;
  private detail: VideoDetail | null = null;
  private shownDepth: string | null = null;
  private readonly whileMade: WhileMade;
  private refreshTimer = 0;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly videos: Videos,
    private readonly actions: VideoActions,
  ) {
    this.controls = new Controls(this.player, () => void toggleFullscreen());
    this.whileMade = new WhileMade(api, (film) => {
      this.player.setFilm(film);
      if (film) this.controls.tellTime();
    });
    this.dock = new Dock({
      cancel: (id) => void this.ask(() => api.cancel(id)),
      retry: (id) => void this.ask(() => api.retry(id)),
    });
    const mayMake = () => store.share === null;
    const original = () => store.share?.allow_download ?? true;
    this.downloads = new VideoDownloads(api, { original, make: mayMake }, (job) =>
      store.applyJob(job),
    );
    this.menu = new VideoMenu(
      () => this.detail,
      () => store.config?.models ?? [],
      mayMake,
      {
        make: (model, again) => this.makeDepth(model, again),
        reset: () => this.player.depth.reset(),
        help: () => actions.help(),
      },
    );
    this.chrome = new RestingChrome(this.element, () => this.mustStayVisible());
    this.build();
    this.watch();
  }

  /** Shows a video; the picture is there as soon as the list knows it. */
  async open(id: string): Promise<void> {
    if (id === this.id) return;
    const first = this.id === null;
    this.leave();
    this.id = id;
    this.element.hidden = false;
    this.dock.reset();
    const known = this.videos.known.get(id);
    if (known) this.present(known);
    if (first) this.element.focus();
    this.chrome.wake();
    await this.refresh();
  }

  /** Leaves the video; returns which one it was. */
  close(): string | null {
    const { id } = this;
    if (id === null) return null;
    this.leave();
    this.id = null;
    this.element.hidden = true;
    this.chrome.stop();
    this.player.close();
    if (document.fullscreenElement) void document.exitFullscreen();
    return id;
  }

  private leave(): void {
    this.begun = null;
    this.detail = null;
    this.element.classList.remove('is-gone');
    this.shownDepth = null;
    this.whileMade.end();
    this.downloads.popup.hide();
    this.menu.popup.hide();
    this.controls.settings.hide();
    this.controls.timeline.setStrip('', null);
    window.clearTimeout(this.refreshTimer);
  }

  private build(): void {
    const back = iconButton('back', texts.video.back, texts.keys.escape, () =>
      this.actions.leave(),
    );
    this.previous.classList.add('step', 'step-previous');
    this.next.classList.add('step', 'step-next');
    this.make.append(icon('layers'), texts.making.title);
    this.make.addEventListener('click', () => this.makeDepth('auto', false));
    this.controls.made = () => this.whileMade.reach;
    this.element.append(
      this.player.element,
      el(
        'header',
        { class: 'photo-bar' },
        back,
        el('div', { class: 'photo-name' }, this.title, this.date),
        this.make,
        this.downloads.popup.element,
        this.menu.popup.element,
      ),
      this.previous,
      this.next,
      el('footer', { class: 'photo-foot' }, this.dock.element, this.controls.element),
    );
  }

  private watch(): void {
    const { player } = this;
    followGestures(player.element, {
      looksAround: () => player.look === 'depth',
      orbit: (dx, dy) => player.depth.orbitBy(dx, dy),
      dolly: (amount) => player.depth.dollyBy(amount),
      twice: () => player.depth.reset(),
      swipe: (direction) => this.step(direction),
      tap: (touch) => (touch ? this.chrome.toggle() : player.toggle()),
    });
    document.addEventListener('keydown', (event) => this.onKey(event));
    player.on('state', () => {
      this.element.dataset.shows = player.look;
      if (!this.element.hidden) this.chrome.wake();
    });
    player.on('trouble', (trouble) => {
      if (!trouble) return this.dock.hideError();
      const explanation = explainFilm(trouble);
      return this.showFailure(explanation, () => player.recover());
    });
    this.store.on('job', (job) => {
      const { source } = job;
      if (source?.kind === 'video' && source.id === this.id) this.onJob(job);
    });
    this.store.on('video', (id) => id === this.id && this.refreshSoon());
    this.store.on('connection', (connected) => connected && this.id && this.refreshSoon());
    this.videos.on('list', () => this.updateSteps());
  }

  /** Results often come several at once: one reading serves them all. */
  private refreshSoon(): void {
    window.clearTimeout(this.refreshTimer);
    this.refreshTimer = window.setTimeout(() => void this.refresh(), REFRESH_DELAY_MS);
  }

  private async refresh(): Promise<void> {
    const { id } = this;
    if (!id) return;
    try {
      const detail = await this.videos.open(id);
      if (id !== this.id) return;
      this.present(detail);
      this.takeIn(detail);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (id !== this.id || error.code === 'unauthorized') return;
      if (error.code === 'not_found') this.showGone();
      this.showFailure(explainError(error), () => void this.refresh());
    }
  }

  private present(video: Video): void {
    if (this.begun !== video.id) this.begin(video);
    const job = jobToShow(this.videos.known.get(video.id) ?? video);
    this.dock.showJob(job);
    if (job) this.followParts(job);
    this.updateMake();
  }

  /** There is nothing to look at, or to do: only the way back, and what is said of it. */
  private showGone(): void {
    this.begun = null;
    this.player.close();
    this.tell(texts.gone.title);
    this.date.textContent = '';
    this.make.hidden = true;
    this.element.classList.add('is-gone');
  }

  private tell(name: string): void {
    this.title.textContent = name;
    document.title = `${name} · ImmichVR`;
  }

  private begin(video: Video): void {
    this.begun = video.id;
    this.element.classList.remove('is-gone');
    this.tell(video.name);
    this.date.textContent = dayWords(video.taken_at);
    this.element.setAttribute('aria-label', texts.video.named(video.name));
    const [source, poster] = [this.api.url(video.playback), this.api.url(video.preview)];
    this.player.open(video.name, source, poster, video.duration_s ?? 0);
    this.updateSteps();
  }

  private takeIn(detail: VideoDetail): void {
    this.detail = detail;
    this.downloads.setVideo(detail);
    const depth = bestDepth(detail.assets);
    const version = depth && `${depth.key} ${depth.created_at}`;
    if (depth && version !== this.shownDepth) void this.showDepth(depth);
    if (!depth && this.shownDepth) this.player.setFilm(null);
    this.shownDepth = version;
    this.updateMake();
  }

  private async showDepth(depth: Asset): Promise<void> {
    const { id } = this;
    const layout = layoutOf(depth);
    const start = startOf(depth.params);
    const file = fileOf(depth, 'rgbd');
    if (layout && file) {
      this.player.setFilm(filmAt(this.api.url(file.url), layout, start));
      this.whileMade.end();
    }
    this.player.frames.fps = fpsOf(depth);
    const strip = fileOf(depth, 'strip');
    this.controls.timeline.setStrip(
      strip ? this.api.url(strip.url) : '',
      strip && stripOf(depth),
      start,
    );
    const frames = fileOf(depth, 'frames');
    if (!frames) return;
    try {
      const told = await this.api.facts(frames.url);
      if (id === this.id) this.player.frames.times = timesOf(told, start);
    } catch (error) {
      // Frames are then as long as one another.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private onJob(job: Job): void {
    if (addsFiles(job.kind)) {
      this.downloads.follow(job);
      if (job.state === 'succeeded') this.refreshSoon();
      return;
    }
    this.dock.showJob(isActive(job) || job.state === 'failed' ? job : null);
    this.followParts(job);
    if (job.state === 'succeeded') {
      announce(`${readyWords(job.kind)}.`);
      this.refreshSoon();
    }
    if (job.state === 'cancelled') announce(texts.work.cancelled);
    this.updateMake();
  }

  /** Shows depth as far as it is made, while it is made. */
  private followParts(job: Job): void {
    if (job.kind === 'video-depth' && !this.shownDepth) this.whileMade.follow(job);
  }

  private makeDepth(model: string, force: boolean): void {
    const { id } = this;
    if (id) void this.ask(() => this.api.makeOf('video', id, 'depth', { model, force }));
  }

  /** Asks the server for a job, and shows it or why there is none. */
  private async ask(request: () => Promise<Job>): Promise<void> {
    const { id } = this;
    this.dock.hideError();
    this.make.disabled = true;
    try {
      this.store.applyJob(await request());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (id !== this.id) return;
      if (aboutModels(error)) this.dock.showTrouble(explainError(error), TO_MODELS);
      else this.showFailure(explainError(error), () => void this.ask(request));
      this.chrome.wake();
    } finally {
      this.make.disabled = false;
    }
  }

  private showFailure(explanation: Explanation, again: () => void): void {
    const retry = explanation.retriable ? { label: texts.again, run: again } : null;
    this.dock.showTrouble(explanation, retry);
    this.chrome.wake();
  }

  private updateMake(): void {
    const { detail } = this;
    const working = detail && isActive(this.videos.known.get(detail.id)?.job ?? null);
    const made = detail !== null && bestDepth(detail.assets) !== null;
    this.make.hidden = !detail || made || Boolean(working) || this.store.share !== null;
  }

  private updateSteps(): void {
    if (!this.id) return;
    this.previous.hidden = !this.videos.neighbour(this.id, -1);
    this.next.hidden = !this.videos.neighbour(this.id, 1);
  }

  private step(direction: 1 | -1): void {
    const id = this.id && this.videos.neighbour(this.id, direction);
    if (!id) return;
    this.actions.show(videoHash(id));
    announce(this.videos.known.get(id)?.name ?? '');
    if (!this.videos.neighbour(id, 1)) this.videos.loadMore().catch(() => {});
  }

  private mustStayVisible(): boolean {
    const open = this.downloads.popup.open || this.menu.popup.open || this.controls.settings.open;
    const dialog = document.querySelector('dialog[open]') !== null;
    return open || dialog || this.player.paused || this.dock.occupied;
  }

  private onKey(event: KeyboardEvent): void {
    if (!this.id || event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (event.target instanceof HTMLElement && event.target.matches('input, select')) return;
    const handled = actOnVideoKey(event, this.player, {
      leave: () => this.actions.leave(),
      step: (direction) => this.step(direction),
      fullscreen: () => void toggleFullscreen(),
    });
    if (!handled) return;
    event.preventDefault();
    this.chrome.wake();
  }
}

const TO_MODELS = {
  label: texts.photo.models,
  run: () => {
    location.hash = MODELS;
  },
};
