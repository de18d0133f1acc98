import './scenes.css';
import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Job, Scene } from '../api/schema';
import { SCENES, sceneHash } from '../router';
import { isActive, type Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { icon } from '../ui/icons';
import { chosenIn } from './hook';
import { MakePlace } from './make';
import { SceneProgress } from './progress';
import { SceneView } from './view';

const t = texts.scenes;
const MAKES_SCENES = new Set(['reconstruct', 'points']);

const makesScene = (job: Job): boolean =>
  job.source?.kind === 'scene' && MAKES_SCENES.has(job.kind) && isActive(job);

/** Places made of photos and videos: a list of them, making another, and one that is walked in. */
export class ScenePages {
  readonly element: HTMLElement;
  private readonly title = el('h1', { tabindex: -1 }, texts.nav.scenes);
  private readonly notice = el('p', { class: 'scene-words', role: 'status' });
  private readonly scenes = el('ul', { class: 'scene-list', 'aria-label': texts.nav.scenes });
  private readonly more = el('button', { class: 'button', type: 'button', hidden: true }, t.more);
  private readonly begin = el('button', { class: 'button is-primary', type: 'button' }, t.make);
  private readonly work = el('div', { class: 'scene-work' });
  private readonly listing: HTMLElement;
  private readonly form: MakePlace;
  private readonly view: SceneView;
  private readonly running = new Map<string, SceneProgress>();
  private cursor: string | null = null;
  /** Aborted when the list is left or read anew. */
  private listed = new AbortController();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    leave: () => void,
  ) {
    this.form = new MakePlace(api, (job) => this.made(job));
    this.view = new SceneView(api, store, (name) => {
      this.title.textContent = name;
      if (document.activeElement === this.title) announce(name);
      document.title = `${name} · ImmichVR`;
    });
    const back = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': texts.back, title: texts.back },
      icon('back'),
    );
    back.addEventListener('click', () => {
      if (this.view.element.hidden) leave();
      else location.hash = SCENES;
    });
    this.showForm(false);
    this.view.element.hidden = true;
    this.begin.addEventListener('click', () => void this.ask());
    this.more.addEventListener('click', () => void this.read(this.listed.signal));
    // Those of before a reload are told of late.
    store.on('job', (job) => {
      if (!this.element.hidden && !this.listing.hidden && makesScene(job)) this.follow(job);
    });
    this.listing = el(
      'main',
      { class: 'scenes-main' },
      this.begin,
      this.form.element,
      this.work,
      this.notice,
      this.scenes,
      this.more,
    );
    this.element = el(
      'div',
      { class: 'scenes', hidden: true },
      el('header', { class: 'scenes-head' }, back, this.title),
      this.listing,
      this.view.element,
    );
  }

  /** Offers something in the head, as the way into VR. */
  offer(button: HTMLElement): void {
    this.title.after(button);
  }

  /** The list, with the form open where the address says of what a place is to be made. */
  async list(): Promise<void> {
    this.element.hidden = false;
    this.view.close();
    this.view.element.hidden = true;
    this.listing.hidden = false;
    this.title.textContent = texts.nav.scenes;
    this.title.focus({ preventScroll: true });
    this.scenes.replaceChildren();
    this.cursor = null;
    this.listed.abort();
    this.listed = new AbortController();
    const { signal } = this.listed;
    for (const job of this.store.activeJobs()) if (makesScene(job)) this.follow(job);
    await Promise.all([this.read(signal), this.readJobs(signal)]);
    if (!signal.aborted && chosenIn(location.hash)) await this.ask();
  }

  /** One scene. */
  async open(id: string): Promise<void> {
    this.listed.abort();
    this.element.hidden = false;
    this.listing.hidden = true;
    this.view.element.hidden = false;
    this.title.textContent = '';
    this.title.focus({ preventScroll: true });
    await this.view.open(id);
  }

  close(): void {
    this.listed.abort();
    this.element.hidden = true;
    this.view.close();
    this.showForm(false);
    for (const one of this.running.values()) one.dispose();
    this.running.clear();
    this.work.replaceChildren();
  }

  private async read(signal: AbortSignal): Promise<void> {
    try {
      const { items, next_cursor } = await this.api.scenes(this.cursor);
      if (signal.aborted) return;
      this.cursor = next_cursor;
      this.scenes.append(...items.map((scene) => this.card(scene)));
      this.more.hidden = next_cursor === null;
      this.notice.textContent = this.scenes.childElementCount > 0 ? '' : t.none;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!signal.aborted) this.notice.textContent = explainError(error).title;
    }
  }

  private async readJobs(signal: AbortSignal): Promise<void> {
    try {
      await this.store.readJobs();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!signal.aborted) this.notice.textContent = explainError(error).title;
    }
  }

  private card(scene: Scene): HTMLElement {
    const src = scene.cover ? this.api.url(scene.cover) : '';
    return el(
      'li',
      {},
      el(
        'a',
        { class: 'scene-card', href: sceneHash(scene.id), data: { scene: scene.id } },
        src === ''
          ? el('span', { class: 'scene-blank' }, icon('cube'))
          : el('img', { src, alt: '', loading: 'lazy', decoding: 'async' }),
        el('span', { class: 'scene-name' }, scene.name),
        scene.completed && el('span', { class: 'scene-mark' }, t.filled),
      ),
    );
  }

  private showForm(isOpen: boolean): void {
    this.form.element.hidden = !isOpen;
    this.begin.hidden = isOpen;
  }

  private async ask(): Promise<void> {
    this.showForm(true);
    try {
      await this.form.open(chosenIn(location.hash));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.notice.textContent = explainError(error).title;
    }
  }

  private made(job: Job): void {
    this.showForm(false);
    if (isActive(job)) this.follow(job);
    else this.enter(job);
  }

  private follow(job: Job): void {
    if (this.running.has(job.id)) return;
    const progress = new SceneProgress(this.api, this.store, job, (done) => this.enter(done));
    this.running.set(job.id, progress);
    this.work.prepend(progress.element);
  }

  /** A job has ended: what it made is opened. */
  private enter(job: Job): void {
    if (job.state !== 'succeeded' || job.source?.kind !== 'scene' || this.listing.hidden) return;
    location.hash = sceneHash(job.source.id);
  }
}
