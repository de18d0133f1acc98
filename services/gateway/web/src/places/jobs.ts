import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Page } from '../api/pages';
import type { Job, JobShown, JobState } from '../api/schema';
import { jobTitle } from '../catalog';
import { Notice } from '../grid/notice';
import { photoHash, videoHash } from '../router';
import { isActive, type Store, supersedes } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { el } from '../ui/dom';
import { explainError, explainJob } from '../ui/errors';
import { ProgressBar } from '../ui/progress';
import { momentWords, percent, stageWords } from '../ui/words';
import { picture } from './lists';

const t = texts.jobs;
const TABS: {
  name: 'active' | 'failed' | 'done';
  states: JobState[];
  none: { title: string; advice: string };
}[] = [
  {
    name: 'active',
    states: ['running', 'queued'],
    none: { title: t.noneActive, advice: t.begin },
  },
  { name: 'failed', states: ['failed'], none: { title: t.noneFailed, advice: t.allWell } },
  {
    name: 'done',
    states: ['succeeded', 'cancelled'],
    none: { title: t.noneDone, advice: t.begin },
  },
];

/** What runs, what waits, what failed and why; cancelled, put first or asked for again here. */
export class JobList {
  readonly element: HTMLElement;
  private readonly jobs = el('ul', { class: 'jobs', 'aria-label': t.title });
  private readonly notice = new Notice();
  private readonly more = el('button', { class: 'button', type: 'button', hidden: true }, t.more);
  private readonly all = el(
    'button',
    { class: 'button', type: 'button', hidden: true },
    t.cancelAll,
  );
  private readonly tabs = new Map<string, HTMLButtonElement>();
  private readonly rows = new Map<string, JobRow>();
  private tab = TABS[0] as (typeof TABS)[number];
  private cursor: string | null = null;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
  ) {
    const tabs = el('div', { class: 'tabs', role: 'group', 'aria-label': t.title });
    for (const tab of TABS) {
      const button = el('button', { class: 'tab', type: 'button' }, t[tab.name]);
      button.addEventListener('click', () => {
        this.tab = tab;
        void this.open();
      });
      this.tabs.set(tab.name, button);
      tabs.append(button);
    }
    this.more.addEventListener('click', () => void this.read());
    this.all.addEventListener('click', () => void this.cancelAll());
    this.element = el(
      'div',
      {},
      el('div', { class: 'jobs-bar' }, tabs, this.all),
      this.jobs,
      this.notice.element,
      this.more,
    );
    store.on('job', (job) => this.takeIn(job));
  }

  /** Reads the list anew. */
  async open(): Promise<void> {
    for (const [name, button] of this.tabs)
      button.setAttribute('aria-pressed', String(name === this.tab.name));
    this.rows.clear();
    this.jobs.replaceChildren();
    this.cursor = null;
    await this.read();
  }

  private async read(): Promise<void> {
    const { tab } = this;
    const isFirst = this.cursor === null;
    try {
      const { items, next_cursor } = await this.api.jobList(tab.states, this.cursor);
      if (tab !== this.tab) return;
      for (const job of items) this.show(job, isFirst);
      this.cursor = next_cursor;
      this.settle();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.notice.explain(error, () => void this.open());
    }
  }

  private show(job: JobShown | Job, isOfFirst: boolean): void {
    const known = this.rows.get(job.id);
    if (known && supersedes(job, known.job)) known.update(job);
    // What was told of before the list was there stands where the list has it; later on nothing moves.
    if (isOfFirst || !known) this.jobs.append((known ?? this.add(job)).element);
  }

  private add(job: JobShown | Job): JobRow {
    const row = new JobRow(this.api, this.store, job, {
      renewed: (old, next) => this.renew(old, next),
      moved: () => this.lookWhere(),
    });
    this.rows.set(job.id, row);
    return row;
  }

  /** Tells anew where those shown stand; they stay as they are where that cannot be read. */
  private async lookWhere(): Promise<void> {
    let cursor: string | null = null;
    let seen = 0;
    try {
      do {
        const page: Page<JobShown> = await this.api.jobList(['queued'], cursor);
        for (const job of page.items) {
          const row = this.rows.get(job.id);
          if (row && supersedes(job, row.job)) row.update(job);
        }
        cursor = page.next_cursor;
        seen += page.items.length;
      } while (cursor && seen < this.rows.size);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** A job was asked for again as another one: its row goes on with that. */
  private renew(row: JobRow, job: Job): void {
    this.rows.delete(row.job.id);
    if (this.rows.has(job.id)) row.element.remove();
    else {
      this.rows.set(job.id, row);
      row.update(job);
    }
  }

  /** Takes in what a job tells; what ends is left where it was, so that one sees how. */
  private takeIn(job: Job): void {
    if (!this.element.isConnected) return;
    const known = this.rows.get(job.id);
    if (known) {
      if (supersedes(job, known.job)) known.update(job);
    } else if (this.tab.states.includes(job.state)) {
      this.jobs.prepend(this.add(job).element);
    }
    this.settle();
  }

  private settle(): void {
    this.more.hidden = this.cursor === null;
    const active = [...this.rows.values()].filter(({ job }) => isActive(job));
    this.all.hidden = active.length < 2;
    this.all.textContent = this.cursor === null ? t.cancelAll : t.cancelShown(active.length);
    if (this.rows.size > 0) this.notice.hide();
    else this.notice.tell(this.tab.none, 'jobs');
  }

  private async cancelAll(): Promise<void> {
    this.all.disabled = true;
    const active = [...this.rows.values()].filter(({ job }) => isActive(job));
    await Promise.all(active.map((row) => row.cancel()));
    this.all.disabled = false;
    this.settle();
  }
}

/** One job: of what, how far, or why not. */
class JobRow {
  readonly element: HTMLElement;
  private readonly state = el('p', { class: 'job-state' });
  private readonly why = el('p', { class: 'job-why', hidden: true });
  private readonly details = el('details', { class: 'job-details', hidden: true });
  private readonly bar: ProgressBar;
  private readonly first: HTMLButtonElement;
  private readonly again: HTMLButtonElement;
  private readonly end: HTMLButtonElement;
  private place: JobShown['place'] = null;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    public job: JobShown | Job,
    private readonly list: {
      renewed: (row: JobRow, job: Job) => void;
      moved: () => Promise<void>;
    },
  ) {
    const name = this.nameOf(job);
    this.bar = new ProgressBar(t.of(jobTitle(job.kind), name));
    const button = (label: string, run: () => Promise<void>) =>
      el(
        'button',
        {
          class: 'button',
          type: 'button',
          'aria-label': `${label}: ${jobTitle(job.kind)}, ${name}`,
          on: { click: () => void run() },
        },
        label,
      );
    this.first = button(t.putFirst, () => this.putFirst());
    this.again = button(t.retry, () => this.retry());
    this.end = button(t.cancel, () => this.cancel());
    const { source } = job;
    const at =
      source?.kind === 'photo'
        ? photoHash(source.id)
        : source?.kind === 'video'
          ? videoHash(source.id)
          : null;
    const image = source && at ? api.url(`/api/${source.kind}s/${source.id}/thumbnail`) : null;
    const title = el('span', { class: 'job-title' }, jobTitle(job.kind));
    const of = at ? el('a', { href: at }, name) : el('span', {}, name);
    this.element = el(
      'li',
      { class: 'job' },
      picture(image, 'album'),
      el(
        'div',
        { class: 'job-body' },
        el('p', { class: 'job-name' }, title, of),
        this.state,
        this.bar.element,
        this.why,
        this.details,
      ),
      el('div', { class: 'job-actions' }, this.first, this.again, this.end),
    );
    this.update(job);
  }

  update(job: JobShown | Job): void {
    this.job = job;
    if (job.state !== 'queued') this.place = null;
    else if ('place' in job) this.place = job.place;
    const active = isActive(job);
    const done = percent(job);
    const ahead = this.place;
    const words = active
      ? [
          stageWords(job),
          done !== null && `${done} %`,
          ahead && t.place(ahead.ahead),
          ahead?.paused_until && t.paused(momentWords(ahead.paused_until)),
        ]
      : [job.state === 'succeeded' ? t.done : job.state === 'failed' ? t.failed : t.cancelled];
    if (!active) words.push(momentWords(job.updated_at));
    this.state.textContent = words.filter(Boolean).join(' · ');
    this.element.dataset.job = job.id;
    this.element.dataset.state = job.state;
    this.bar.element.hidden = !active;
    this.bar.set(done);
    const failure = explainJob(job);
    this.why.hidden = !failure;
    this.why.textContent = failure ? `${failure.title} ${failure.advice}` : '';
    this.details.hidden = !failure?.detail;
    this.details.replaceChildren(
      el('summary', {}, t.details),
      el('code', {}, `${job.error?.code ?? ''} ${failure?.detail ?? ''}`),
    );
    this.first.hidden = !ahead?.in_line;
    this.again.hidden = job.state !== 'failed' && job.state !== 'cancelled';
    this.end.hidden = !active;
  }

  async cancel(): Promise<void> {
    await this.act(() => this.api.cancel(this.job.id));
  }

  private async retry(): Promise<void> {
    await this.act(() => this.api.retry(this.job.id));
  }

  private async putFirst(): Promise<void> {
    await this.act(async () => {
      const moved = await this.api.putFirst(this.job.id);
      announce(t.isFirst(jobTitle(moved.kind)));
      await this.list.moved();
      return moved;
    });
  }

  private async act(deed: () => Promise<Job | { job: Job }>): Promise<void> {
    const buttons = [this.first, this.again, this.end];
    for (const one of buttons) one.disabled = true;
    try {
      const answer = await deed();
      const next = 'job' in answer ? answer.job : answer;
      if (next.id !== this.job.id) this.list.renewed(this, next);
      this.store.applyJob(next);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { title, advice } = explainError(error);
      this.why.hidden = false;
      this.why.textContent = `${title} ${advice}`;
      announce(title);
    } finally {
      for (const one of buttons) one.disabled = false;
    }
  }

  private nameOf({ source, params }: JobShown | Job): string {
    if (source?.kind === 'photo') return this.store.photos.get(source.id)?.name || t.aPhoto;
    if (source?.kind === 'video') return t.aVideo;
    return typeof params.model === 'string' ? params.model : t.aModel;
  }
}
