import type { Job } from '../api/schema';
import { jobTitle } from '../catalog';
import { isActive } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { type Explanation, explainJob, notMade } from '../ui/errors';
import { ProgressBar } from '../ui/progress';
import { bytesWords, percent, progressWords, stageWords } from '../ui/words';
import type { Loading } from './stage';

interface Action {
  label: string;
  run: () => void;
}

/** A card at the foot of the stage: what is being made, what went wrong, what is loading. */
class Card {
  readonly element: HTMLElement;
  readonly title = el('p', { class: 'card-title' });
  readonly text = el('p', { class: 'card-text' });
  private readonly detail = el('details', { class: 'card-detail', hidden: true });
  private readonly detailText = el('p', {});
  private readonly actions = el('div', { class: 'card-actions' });

  constructor(
    kind: string,
    readonly bar: ProgressBar | null,
  ) {
    this.detail.append(el('summary', {}, texts.work.details), this.detailText);
    this.element = el(
      'div',
      { class: `card card-${kind}`, hidden: true, data: { card: kind } },
      el('div', { class: 'card-words' }, this.title, this.text, this.detail),
      this.actions,
      bar?.element,
    );
  }

  setActions(actions: Action[]): void {
    const labels = [...this.actions.children].map((button) => button.textContent);
    const same = labels.join() === actions.map(({ label }) => label).join();
    // A button that keeps its meaning keeps the focus.
    if (same) return;
    this.actions.replaceChildren(
      ...actions.map(({ label, run }) => {
        const button = el('button', { class: 'button is-small', type: 'button' }, label);
        button.addEventListener('click', run);
        return button;
      }),
    );
  }

  explain({ title, advice, detail }: Explanation, heading?: string): void {
    this.title.textContent = heading ?? title;
    this.text.textContent = heading ? `${title} ${advice}` : advice;
    this.detail.hidden = detail === '';
    this.detailText.textContent = detail;
  }
}

export interface DockActions {
  cancel(jobId: string): void;
  retry(jobId: string): void;
}

/** Progress, errors and loading, above the mode switch. */
export class Dock {
  readonly element = el('div', { class: 'dock' });
  private readonly working = new Card('progress', new ProgressBar(texts.work.progress));
  private readonly failure = new Card('error', null);
  private readonly loadingWords = el('span', {});
  private readonly loadingBar = new ProgressBar(texts.photo.loading3d);
  private readonly loading: HTMLElement;
  private job: Job | null = null;
  private dismissed = '';

  constructor(private readonly actions: DockActions) {
    this.failure.element.setAttribute('role', 'alert');
    this.loading = el(
      'div',
      { class: 'loading', hidden: true },
      this.loadingWords,
      this.loadingBar.element,
    );
    this.element.append(this.failure.element, this.working.element, this.loading);
  }

  /** Whether there is something here that somebody should see. */
  get occupied(): boolean {
    return !this.failure.element.hidden || isActive(this.job) || !this.loading.hidden;
  }

  reset(): void {
    this.dismissed = '';
    this.showJob(null);
    this.hideError();
    this.showLoading(null);
  }

  /** Shows a job that runs, or why it failed; null for none. */
  showJob(job: Job | null): void {
    this.job = job;
    this.working.element.hidden = !isActive(job);
    if (isActive(job)) this.showProgress(job);
    const explanation = job && explainJob(job);
    if (!job || !explanation) {
      if (isActive(job)) this.hideError();
      return;
    }
    if (this.dismissed === `${job.id} ${job.run}`) return;
    const retry = { label: texts.again, run: () => this.actions.retry(job.id) };
    const close = () => {
      this.dismissed = `${job.id} ${job.run}`;
      this.hideError();
    };
    this.failure.explain(explanation, `${notMade(job.kind)}.`);
    this.showError([
      ...(explanation.retriable ? [retry] : []),
      { label: texts.work.close, run: close },
    ]);
  }

  /** Shows an error that is not a job's; `retry` where trying again makes sense. */
  showTrouble(explanation: Explanation, retry: Action | null): void {
    this.failure.explain(explanation);
    const close = { label: texts.work.close, run: () => this.hideError() };
    this.showError(retry ? [retry, close] : [close]);
  }

  hideError(): void {
    this.failure.element.hidden = true;
    this.failure.setActions([]);
  }

  showLoading(loading: Loading | null): void {
    this.loading.hidden = loading === null;
    if (!loading) return;
    const { what, received, total } = loading;
    const t = texts.photo;
    const name = what === 'splat' ? t.splat : t.itsDepth;
    const known = total > 0 && received > 0;
    this.loadingWords.textContent = !known
      ? t.loading(name)
      : received < total
        ? t.loadingOf(name, texts.work.of(bytesWords(received), bytesWords(total)))
        : t.preparing(name);
    this.loadingBar.set(known ? Math.round((received / total) * 100) : null);
  }

  private showProgress(job: Job): void {
    const words = stageWords(job);
    this.working.title.textContent = jobTitle(job.kind);
    if (this.working.text.dataset.stage !== words) announce(`${jobTitle(job.kind)}. ${words}.`);
    this.working.text.dataset.stage = words;
    this.working.text.textContent = progressWords(job);
    this.working.bar?.set(percent(job));
    const cancel = () => {
      if (this.job) this.actions.cancel(this.job.id);
    };
    this.working.setActions([{ label: texts.work.cancel, run: cancel }]);
  }

  private showError(actions: Action[]): void {
    this.failure.setActions([]);
    this.failure.setActions(actions);
    this.failure.element.hidden = false;
  }
}
