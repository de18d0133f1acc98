import type { Api } from '../api/client';
import type { Job } from '../api/schema';
import { isActive } from '../store';
import { startOf } from './assets';
import { type Film, filmOf } from './film';
import { PartsFeed } from './parts';

/** A video's depth while it is made: watched as far as it has come. */
export class WhileMade {
  private feed: { run: string; start: number; parts: PartsFeed } | null = null;

  constructor(
    private readonly api: Api,
    /** There is more of it, or none any more. */
    private readonly show: (film: Film | null) => void,
  ) {}

  /** Up to where in the video it has come, in seconds; null where none is being made. */
  get reach(): number | null {
    return this.feed && this.feed.start + this.feed.parts.reach;
  }

  /** Takes up a run of a job that makes it, goes on with that, or lets go of it where it came to nothing. */
  follow(job: Job): void {
    if (!isActive(job)) {
      if (job.state === 'succeeded' || !this.feed) return;
      this.end();
      this.show(null);
      return;
    }
    if (job.state !== 'running') return;
    const run = `${job.id} ${job.run}`;
    if (this.feed?.run !== run) {
      this.end();
      const start = startOf(job.params);
      const parts = new PartsFeed(this.api, job.id, () => {
        if (this.feed?.parts === parts) this.show(filmOf(parts, start));
      });
      this.feed = { run, start, parts };
    }
    void this.feed.parts.read();
  }

  end(): void {
    this.feed?.parts.close();
    this.feed = null;
  }
}
