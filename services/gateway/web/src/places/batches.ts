import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { BatchDeed } from '../api/making';
import type { Batch } from '../api/schema';
import { jobTitle } from '../catalog';
import { isFinal, type Store } from '../store';
import { catalogue, texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import { ProgressBar } from '../ui/progress';

/** What a batch does between one look and the next; ends of its jobs tell of more in between. */
const LOOK_AGAIN_MS = 5000;
const t = texts.batches;

/** What somebody has made of many at once: how far it is, and a button to halt it, to go on, and to end it. */
export class BatchList {
  readonly element: HTMLElement;
  private readonly list = el('ul', { class: 'jobs', 'aria-label': t.title });
  private readonly rows = new Map<string, BatchRow>();
  private timer = 0;

  constructor(
    private readonly api: Api,
    store: Store,
  ) {
    this.element = el(
      'section',
      { class: 'batches', hidden: true },
      el('h2', {}, t.title),
      this.list,
    );
    store.on('job', (job) => isFinal(job) && this.lookSoon());
  }

  /** Reads how far they are. Where they cannot be read, they are left as they were: the jobs below say why. */
  async load(): Promise<void> {
    window.clearTimeout(this.timer);
    this.timer = 0;
    let batches: Batch[];
    try {
      batches = (await this.api.batches()).filter(isShown);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.rows.size > 0 && error.code !== 'unauthorized') this.lookSoon();
      return;
    }
    const there = new Set(batches.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (there.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    for (const batch of batches) this.show(batch);
    this.element.hidden = this.rows.size === 0;
    if (batches.some(({ state }) => state === 'running')) this.lookSoon();
  }

  private show(batch: Batch): void {
    const known = this.rows.get(batch.id);
    if (known) {
      known.update(batch);
      return;
    }
    const row = new BatchRow(batch, (deed) => this.act(row, deed));
    this.rows.set(batch.id, row);
    this.list.append(row.element);
  }

  private lookSoon(): void {
    if (this.timer || !this.element.isConnected) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      if (this.element.isConnected) void this.load();
    }, LOOK_AGAIN_MS);
  }

  private async act(row: BatchRow, deed: BatchDeed): Promise<void> {
    row.explain(null);
    try {
      row.update(await this.api.batchDeed(row.batch.id, deed));
      announce(t.states[row.batch.state]);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      row.explain(error);
      return;
    }
    await this.load();
  }
}

const MAY: Record<Batch['state'], BatchDeed[]> = {
  estimated: ['start', 'cancel'],
  running: ['pause', 'cancel'],
  paused: ['start', 'cancel'],
  cancelled: [],
  done: [],
};

/** Whether it goes on, or something of it failed that may be tried again. */
const isShown = ({ state, progress }: Batch): boolean =>
  MAY[state].length > 0 || (state === 'done' && progress.failed > 0);

/** One batch. */
class BatchRow {
  readonly element: HTMLElement;
  private readonly state = el('p', { class: 'job-state' });
  private readonly why = el('p', { class: 'job-why', role: 'alert', hidden: true });
  private readonly buttons = new Map<BatchDeed, HTMLButtonElement>();
  private readonly bar: ProgressBar;

  constructor(
    public batch: Batch,
    act: (deed: BatchDeed) => Promise<void>,
  ) {
    const title = jobTitle(batch.wanted.kind);
    const actions = el('div', { class: 'job-actions' });
    for (const deed of ['pause', 'start', 'retry', 'cancel'] as const) {
      const label = t[deed];
      const button = el(
        'button',
        { class: 'button', type: 'button', 'aria-label': `${label}: ${title}` },
        label,
      );
      button.addEventListener('click', async () => {
        button.disabled = true;
        await act(deed);
        button.disabled = false;
      });
      this.buttons.set(deed, button);
      actions.append(button);
    }
    const { items, is_at_least } = batch.estimate;
    const name = t.of(title, items, is_at_least);
    this.bar = new ProgressBar(name);
    this.element = el(
      'li',
      { class: 'job batch' },
      el(
        'div',
        { class: 'job-body' },
        el('p', { class: 'job-name' }, el('span', { class: 'job-title' }, name)),
        this.state,
        this.bar.element,
        this.why,
      ),
      actions,
    );
    this.update(batch);
  }

  /** Says why what was pressed did not work; null: nothing was wrong. */
  explain(error: ApiError | null): void {
    const { title, advice } = explainError(error);
    this.why.textContent = error ? `${title} ${advice}` : '';
    this.why.hidden = error === null;
  }

  update(batch: Batch): void {
    this.batch = batch;
    const { made, existing, failed, skipped } = batch.progress;
    const done = made + existing + failed + skipped;
    const all = Math.max(batch.estimate.items, done);
    this.bar.set(batch.estimate.is_at_least ? null : Math.floor((100 * done) / Math.max(all, 1)));
    this.state.textContent = [
      t.states[batch.state],
      t.done(made + existing, all),
      failed > 0 && t.failed(failed),
      batch.state === 'running' && catalogue.told(batch.waits),
    ]
      .filter(Boolean)
      .join(' · ');
    this.element.dataset.batch = batch.id;
    this.element.dataset.state = batch.state;
    const may = new Set([...MAY[batch.state], ...(failed > 0 ? (['retry'] as const) : [])]);
    for (const [deed, button] of this.buttons) button.hidden = !may.has(deed);
  }
}
