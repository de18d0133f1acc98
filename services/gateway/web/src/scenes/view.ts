import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Asset, Job, SceneDetails } from '../api/schema';
import type { Store } from '../store';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { bytesWords } from '../ui/words';
import { SceneProgress } from './progress';
import { BeforeAfter } from './slider';
import type { Stage } from './stage';

const FILLING = [
  ['', 'As the server prefers'],
  ['fill', 'Carry on what is beside it'],
  ['lama', 'LaMa'],
  ['reference', 'One view, then the others'],
  ['joint-multiview', 'All views together'],
] as const;

const isFilled = (asset: Asset): boolean => asset.model_key.includes('-inpainted-');

/** One scene: walked in, filled where something is missing, compared with how it was. */
export class SceneView {
  readonly element: HTMLElement;
  private readonly canvas = el('canvas', {
    class: 'scene-canvas',
    tabindex: 0,
    'aria-label': 'The scene. W A S D or the arrow keys walk, dragging looks around.',
  });
  private readonly words = el('p', { class: 'scene-words', role: 'status' });
  private readonly versions = el('select', { name: 'version', 'aria-label': 'Version' });
  private readonly method = el('select', { name: 'filling', 'aria-label': 'How to fill' });
  private readonly fill = el('button', { class: 'button', type: 'button' }, 'Fill missing regions');
  private readonly slider = new BeforeAfter();
  private readonly views = el('div', {
    class: 'scene-views',
    role: 'group',
    'aria-label': 'Views',
  });
  private readonly compare = el('section', {
    class: 'scene-compare',
    hidden: true,
    'aria-label': 'Before and after',
  });
  private readonly work = el('div', {});
  private readonly files = el('ul', { class: 'scene-files', 'aria-label': 'Files' });
  private stage: Stage | null = null;
  private progress: SceneProgress | null = null;
  private scene: SceneDetails | null = null;
  private loading = new AbortController();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly titled: (name: string) => void,
  ) {
    for (const [value, label] of FILLING) this.method.append(el('option', { value }, label));
    this.compare.append(el('h2', {}, 'Before and after'), this.slider.element, this.views);
    this.element = el(
      'div',
      { class: 'scene-view' },
      this.canvas,
      el(
        'div',
        { class: 'scene-side' },
        this.words,
        el('label', { class: 'scene-choice' }, 'Version', this.versions),
        el('div', { class: 'scene-buttons' }, this.method, this.fill),
        this.work,
        this.compare,
        this.files,
      ),
    );
    this.versions.addEventListener('change', () => void this.showVersion());
    this.fill.addEventListener('click', () => void this.ask());
  }

  async open(id: string): Promise<void> {
    this.close();
    this.words.textContent = 'Loading…';
    try {
      this.scene = await this.api.scene(id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.words.textContent = explainError(error).title;
      return;
    }
    this.titled(this.scene.name);
    const splats = this.splats();
    this.versions.replaceChildren(
      ...splats.map((asset) =>
        el('option', { value: asset.key }, isFilled(asset) ? 'Filled' : 'As it was made'),
      ),
    );
    this.fill.disabled = splats.length === 0;
    await this.showVersion();
  }

  /** Lets go of the device. */
  close(): void {
    this.loading.abort();
    this.loading = new AbortController();
    this.stage?.dispose();
    this.stage = null;
    this.progress?.dispose();
    this.progress = null;
    this.work.replaceChildren();
    this.compare.hidden = true;
    this.canvas.removeAttribute('data-splats');
  }

  private splats(): Asset[] {
    return (this.scene?.assets ?? []).filter(({ kind }) => kind === 'splat');
  }

  private async showVersion(): Promise<void> {
    const { scene } = this;
    const asset = this.splats().find(({ key }) => key === this.versions.value);
    this.tellFiles();
    this.tellComparison(asset ?? null);
    const file = asset?.files.find(({ role, format }) => role === 'splat' && format === 'spz');
    if (!scene || !file) {
      this.words.textContent = this.facts();
      return;
    }
    const { signal } = this.loading;
    try {
      const tell = (got: number, of: number) => {
        this.words.textContent = `Loading… ${bytesWords(got)}${of ? ` of ${bytesWords(of)}` : ''}`;
      };
      const bytes = await this.api.bytes(file.url, tell, signal);
      if (!this.stage) {
        const { Stage } = await import('./stage');
        if (signal.aborted) return;
        this.stage = new Stage(this.canvas, (count) => {
          this.canvas.dataset.splats = String(count);
        });
        this.stage.enter(scene.cameras);
      }
      await this.stage.show(bytes, file.name);
      this.canvas.dataset.version = asset?.key ?? '';
      this.words.textContent = this.facts();
    } catch (error) {
      if (signal.aborted) return;
      this.words.textContent = explainError(error).title;
    }
  }

  private facts(): string {
    const { scene } = this;
    if (!scene) return '';
    const { psnr, ssim } = scene.metrics as { psnr?: number; ssim?: number };
    const dropped = scene.dropped.length;
    return [
      `${scene.cameras.length} pictures`,
      dropped > 0 && `${dropped} left out: ${String(scene.dropped[0]?.reason ?? '')}`,
      psnr
        ? `${psnr.toFixed(1)} dB, SSIM ${(ssim ?? 0).toFixed(2)} on pictures that were held out`
        : '',
    ]
      .filter(Boolean)
      .join(' · ');
  }

  /** The views before and after, of a version that was filled. */
  private tellComparison(asset: Asset | null): void {
    const of = (role: string) => (asset?.files ?? []).filter((file) => file.role === role);
    const after = new Map(of('after').map((file) => [file.variant, file]));
    const pairs = of('before').flatMap((before) => {
      const other = after.get(before.variant);
      return other ? [{ before, after: other }] : [];
    });
    this.compare.hidden = pairs.length === 0;
    const show = (at: number) => {
      const pair = pairs[at];
      if (pair) this.slider.show(this.api.url(pair.before.url), this.api.url(pair.after.url));
    };
    this.views.replaceChildren(
      ...pairs.map((_, at) => {
        const button = el('button', { class: 'button', type: 'button' }, String(at + 1));
        button.setAttribute('aria-label', `View ${at + 1}`);
        button.addEventListener('click', () => show(at));
        return button;
      }),
    );
    show(0);
  }

  private tellFiles(): void {
    const files = (this.scene?.assets ?? []).flatMap(({ files }) =>
      files.filter(({ role }) => ['splat', 'conversion', 'points', 'dataset'].includes(role)),
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
    this.fill.disabled = true;
    try {
      this.follow(await this.api.fillMissing(scene.id, this.method.value || null), scene.id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { title, advice } = explainError(error);
      this.words.textContent = `${title} ${advice}`;
    } finally {
      this.fill.disabled = false;
    }
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
    this.scene = await this.api.scene(id);
    this.versions.replaceChildren(
      ...this.splats().map((asset) =>
        el('option', { value: asset.key }, isFilled(asset) ? 'Filled' : 'As it was made'),
      ),
    );
    this.versions.value = key;
    await this.showVersion();
  }
}
