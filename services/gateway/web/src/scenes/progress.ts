import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Job } from '../api/schema';
import { jobTitle } from '../catalog';
import { isActive, type Store, supersedes } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { explainError, explainJob } from '../ui/errors';
import { ProgressBar } from '../ui/progress';
import { percent, stageWords } from '../ui/words';

const PREVIEW = 'preview.jpg';
/** A picture so far is looked for at most this often. */
const LOOK_MS = 1500;

/** A job about a scene while it goes on: how far it is, how it looks so far, cancelling it. */
export class SceneProgress {
  readonly element: HTMLElement;
  private readonly words = el('p', { class: 'scene-stage', role: 'status' });
  private readonly bar = new ProgressBar(texts.work.progress);
  private readonly picture = el('img', {
    class: 'scene-preview',
    alt: texts.scenes.soFar,
    hidden: true,
  });
  private readonly cancel = el('button', { class: 'button', type: 'button' }, texts.work.cancel);
  private readonly again = el(
    'button',
    { class: 'button', type: 'button', hidden: true },
    texts.again,
  );
  private readonly stop: () => void;
  private shownVersion = '';
  private lookedAt = 0;
  private isDisposed = false;

  constructor(
    private readonly api: Api,
    store: Store,
    private job: Job,
    private readonly done: (job: Job) => void,
  ) {
    this.element = el(
      'section',
      { class: 'scene-progress', 'aria-label': jobTitle(job.kind), data: { job: job.id } },
      el('h2', {}, jobTitle(job.kind)),
      this.picture,
      this.words,
      this.bar.element,
      el('div', { class: 'scene-buttons' }, this.cancel, this.again),
    );
    this.cancel.addEventListener('click', () => void this.tell(() => api.cancel(this.job.id)));
    this.again.addEventListener('click', () => void this.tell(() => api.retry(this.job.id)));
    this.stop = store.on('job', (news) => {
      if (news.id === this.job.id && supersedes(news, this.job)) this.update(news);
    });
    this.update(job);
    // What happened before anybody listened.
    void this.tell(() => api.job(job.id));
  }

  isAbout(job: Job): boolean {
    return job.id === this.job.id;
  }

  dispose(): void {
    this.isDisposed = true;
    this.stop();
  }

  private update(job: Job): void {
    const wasActive = isActive(this.job);
    this.job = job;
    this.element.dataset.state = job.state;
    const failure = explainJob(job);
    this.words.textContent = failure ? `${failure.title} ${failure.advice}` : stageWords(job);
    if (job.state === 'cancelled') this.words.textContent = texts.work.cancelled;
    this.bar.set(percent(job));
    this.bar.element.hidden = !isActive(job);
    this.cancel.hidden = !isActive(job);
    this.again.hidden = isActive(job) || job.state === 'succeeded';
    if (isActive(job)) void this.look();
    if (!wasActive || isActive(job)) return;
    announce(this.words.textContent);
    this.done(job);
  }

  /** Shows the newest picture that the job has made so far. */
  private async look(): Promise<void> {
    if (performance.now() < this.lookedAt + LOOK_MS) return;
    this.lookedAt = performance.now();
    try {
      const { items } = await this.api.parts(this.job.id);
      const part = items.find(({ name }) => name === PREVIEW);
      if (!part || part.version === this.shownVersion) return;
      this.shownVersion = part.version;
      this.picture.src = this.api.url(`${part.url}?v=${part.version}`);
      this.picture.hidden = false;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private async tell(ask: () => Promise<Job>): Promise<void> {
    try {
      const job = await ask();
      if (!this.isDisposed && supersedes(job, this.job)) this.update(job);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.words.textContent = explainError(error).title;
    }
  }
}
