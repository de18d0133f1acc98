import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Job, SceneDetails } from '../api/schema';
import { confirmed } from '../models/confirm';
import { SCENES } from '../router';
import { isActive, type Store } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { bytesWords } from '../ui/words';
import { Comparison } from './comparison';
import { SceneFigures } from './figures';
import { type Plan, planOf } from './plan';
import { SceneProgress } from './progress';
import { Theatre } from './theatre';
import { FILLING, factsOf, versionsOf, versionWords } from './versions';
import { wallsOf } from './walls';

const t = texts.scenes;
const LINKED = ['splat', 'conversion', 'points', 'level', 'dataset'];

/** One scene: walked in, filled where something is missing, compared with how it was. */
export class SceneView {
  readonly element: HTMLElement;
  private readonly figures = new SceneFigures();
  private readonly theatre = new Theatre({
    drawn: (drawn) => this.figures.take(drawn),
    lost: (isWorthTrying) => this.lost(isWorthTrying),
  });
  private readonly words = el('p', { class: 'scene-words', role: 'status' });
  private readonly again = el(
    'button',
    { class: 'button', type: 'button', hidden: true },
    texts.again,
  );
  private readonly versions = el('select', { name: 'version', 'aria-label': t.version });
  private readonly method = el('select', { name: 'filling' });
  private readonly fill = el('button', { class: 'button', type: 'button' }, t.fill);
  private readonly remove = el(
    'button',
    { class: 'button scene-remove', type: 'button' },
    t.delete,
  );
  private readonly compare: Comparison;
  private readonly work = el('div', {});
  private readonly files = el('ul', { class: 'scene-files', 'aria-label': t.files });
  private progress: SceneProgress | null = null;
  /** Of what was opened last. */
  private id = '';
  private scene: SceneDetails | null = null;
  /** Aborted when another scene is opened or none, and when another version is chosen. */
  private opening = new AbortController();
  private loading = new AbortController();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly titled: (name: string) => void,
  ) {
    for (const [value, label] of FILLING) this.method.append(el('option', { value }, label));
    this.compare = new Comparison(api);
    this.element = el(
      'main',
      { class: 'scene-view' },
      this.theatre.element,
      el(
        'section',
        { class: 'scene-side', 'aria-label': t.about },
        this.words,
        this.again,
        el('label', { class: 'scene-choice' }, t.version, this.versions),
        el('label', { class: 'scene-choice' }, t.howToFill, this.method),
        this.fill,
        this.work,
        this.compare.element,
        this.figures.element,
        this.files,
        this.remove,
      ),
    );
    this.figures.show(false);
    this.element.addEventListener('keydown', (event) => {
      const { key, target } = event;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (key.toLowerCase() === 'g' && !(target instanceof HTMLSelectElement))
        this.figures.show(this.figures.element.hidden === true);
    });
    this.versions.addEventListener('change', () => void this.showVersion());
    this.again.addEventListener('click', () => void this.open(this.id));
    this.fill.addEventListener('click', () => void this.ask());
    this.remove.addEventListener('click', () => void this.askToDelete());
    store.on('job', (job) => this.takeUp(job));
  }

  async open(id: string): Promise<void> {
    this.close();
    this.id = id;
    const { signal } = this.opening;
    this.words.textContent = texts.loading;
    if (!(await this.read(id, signal))) return;
    this.titled(this.scene?.name ?? '');
    for (const job of this.store.activeJobs()) this.takeUp(job);
    await Promise.all([this.readJobs(signal), this.showVersion()]);
  }

  private async readJobs(signal: AbortSignal): Promise<void> {
    try {
      await this.store.readJobs();
    } catch (error) {
      this.refused(error, signal);
    }
  }

  /** Reads a scene; false where it cannot be, which is told, or where it is not wanted any more. */
  private async read(id: string, signal: AbortSignal): Promise<boolean> {
    try {
      const scene = await this.api.scene(id);
      if (signal.aborted) return false;
      this.scene = scene;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (signal.aborted) return false;
      this.refused(error, signal);
      const isGone = error.code === 'not_found';
      this.element.classList.toggle('is-gone', isGone);
      if (isGone) this.titled(texts.gone.title);
      this.again.hidden = isGone;
      return false;
    }
    this.versions.replaceChildren(
      ...versionsOf(this.scene.assets).map((asset) =>
        el('option', { value: asset.key }, versionWords(asset)),
      ),
    );
    this.fill.disabled = !this.scene.assets.some(({ kind }) => kind === 'splat');
    this.remove.disabled = false;
    return true;
  }

  /** Lets go of the device. */
  close(): void {
    this.opening.abort();
    this.loading.abort();
    this.opening = new AbortController();
    this.scene = null;
    this.element.classList.remove('is-gone');
    this.again.hidden = true;
    this.versions.replaceChildren();
    this.files.replaceChildren();
    this.fill.disabled = true;
    this.remove.disabled = true;
    this.theatre.close();
    this.figures.forget();
    this.progress?.dispose();
    this.progress = null;
    this.work.replaceChildren();
    this.compare.show(null);
  }

  private async showVersion(): Promise<void> {
    const { scene } = this;
    if (!scene) return;
    this.loading.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    const asset = scene.assets.find(({ key }) => key === this.versions.value);
    this.tellFiles();
    this.compare.show(asset ?? null);
    const plan = asset && planOf(asset);
    if (!asset || !plan) {
      this.words.textContent = `${t.nothingHere} ${factsOf(scene)}`;
      return;
    }
    try {
      await this.load(plan, scene, signal);
      if (signal.aborted) return;
      this.theatre.element.dataset.version = asset.key;
      this.words.textContent = factsOf(scene);
      const { walls, isUnread } = await wallsOf(this.api, asset, signal);
      if (signal.aborted) return;
      this.theatre.setWalls(walls);
      if (isUnread) this.words.textContent = `${factsOf(scene)} · ${t.wallsUnread}`;
    } catch (error) {
      if (signal.aborted) return;
      this.words.textContent = explainError(error).title;
    }
  }

  private async load(plan: Plan, { cameras }: SceneDetails, signal: AbortSignal): Promise<void> {
    const tell = (got: number, of: number) => {
      const words = of ? texts.work.of(bytesWords(got), bytesWords(of)) : bytesWords(got);
      this.words.textContent = `${texts.loading} ${words}`;
    };
    if (plan.kind === 'tiles') {
      const { index, tiles } = plan;
      const bytes = await this.api.bytes(index.url, tell, signal);
      const open = (name: string, until: AbortSignal) => {
        const file = tiles.get(name);
        if (!file) throw new TypeError(`these points name ${name}, which is not there`);
        return this.api.bytes(file.url, () => {}, until);
      };
      return this.theatre.showTiles(bytes, open, cameras, signal);
    }
    for (const { role, name, url } of plan.files) {
      const bytes = await this.api.bytes(url, tell, signal);
      await this.theatre.show({ role, name, bytes }, cameras, signal);
      if (signal.aborted) return;
    }
  }

  private lost(isWorthTrying: boolean): void {
    if (isWorthTrying) void this.showVersion();
    else {
      this.loading.abort();
      this.words.textContent = t.notHere;
    }
  }

  private tellFiles(): void {
    const files = (this.scene?.assets ?? []).flatMap(({ files }) =>
      files.filter(({ role }) => LINKED.includes(role)),
    );
    this.files.replaceChildren(
      ...files.map((file) => {
        const href = this.api.url(`${file.url}?download=true`);
        return el('li', {}, el('a', { href }, `${file.download_name} (${bytesWords(file.size)})`));
      }),
    );
  }

  private async ask(): Promise<void> {
    const { scene } = this;
    if (!scene) return;
    const { signal } = this.opening;
    this.fill.disabled = true;
    try {
      const job = await this.api.fillMissing(scene.id, this.method.value || null);
      if (!signal.aborted) this.follow(job, scene.id);
    } catch (error) {
      this.refused(error, signal);
    } finally {
      if (!signal.aborted) this.fill.disabled = false;
    }
  }

  /** Follows what is being filled of this scene, also where it was asked for elsewhere or before. */
  private takeUp(job: Job): void {
    const isOurs = job.source?.kind === 'scene' && job.source.id === this.scene?.id;
    if (isOurs && job.kind === 'inpaint' && isActive(job) && !this.progress?.isAbout(job))
      this.follow(job, job.source?.id ?? '');
  }

  private follow(job: Job, id: string): void {
    this.progress?.dispose();
    const ended = (done: Job) => {
      if (done.state === 'succeeded') void this.openFilled(id, done.outputs[0] ?? '');
    };
    this.progress = new SceneProgress(this.api, this.store, job, ended);
    this.work.replaceChildren(this.progress.element);
    if (job.state === 'succeeded') ended(job);
  }

  private async openFilled(id: string, key: string): Promise<void> {
    if (!(await this.read(id, this.opening.signal))) return;
    this.versions.value = key;
    await this.showVersion();
  }

  private async askToDelete(): Promise<void> {
    const { scene } = this;
    if (!scene) return;
    const { signal } = this.opening;
    const isSure = await confirmed({
      title: t.askDelete,
      text: [t.whatGoes(scene.name)],
      yes: t.yesDelete,
    });
    if (!isSure || signal.aborted) return;
    this.remove.disabled = true;
    try {
      const { left } = await this.api.deleteScene(scene.id);
      if (signal.aborted) return;
      if (left === 0) location.hash = SCENES;
      else this.words.textContent = t.isLeft;
    } catch (error) {
      this.refused(error, signal);
    } finally {
      if (!signal.aborted) this.remove.disabled = false;
    }
  }

  private refused(error: unknown, signal: AbortSignal): void {
    if (!(error instanceof ApiError)) throw error;
    if (signal.aborted) return;
    const { title, advice } = explainError(error);
    this.words.textContent = `${title} ${advice}`;
  }
}
