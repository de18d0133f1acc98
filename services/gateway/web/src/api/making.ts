import type { DoorClass } from './door';
import { CARDS, type Page } from './pages';
import type { Asset, AssetMap, Batch, Job, JobShown, JobState, Parts, Quality } from './schema';

export type BatchDeed = 'start' | 'pause' | 'retry' | 'cancel';

/** What may be made of a photo or a video, and what is said of it. */
interface Wishes {
  depth: { model: string; force: boolean };
  splat: { model: string; quality: Quality; force: boolean };
  'splat/convert': { format: string; model: string };
  motion: { path: string };
  stereo: { layout: string };
}

/** What is made of photos and videos, and the jobs that make it. */
export const withMaking = <B extends DoorClass>(Base: B) =>
  class extends Base {
    /** Asks that something be made of a photo or a video, as `depth` of a video. */
    async makeOf<What extends keyof Wishes>(
      kind: 'photo' | 'video',
      id: string,
      what: What,
      wish: Wishes[What],
    ): Promise<Job> {
      const path = `/api/${kind}s/${encodeURIComponent(id)}/${what}`;
      return ((await (await this.send('POST', path, wish)).json()) as { job: Job }).job;
    }

    async assets(id: string): Promise<Asset[]> {
      const answer = await this.get<{ assets: Asset[] }>(
        `/api/photos/${encodeURIComponent(id)}/assets`,
      );
      return answer.assets;
    }

    async assetMap(): Promise<AssetMap> {
      return (await this.get<{ map: AssetMap }>('/api/assets/map')).map;
    }

    async jobs(state: JobState): Promise<Job[]> {
      return (await this.get<{ items: Job[] }>(`/api/jobs?state=${state}&limit=200`)).items;
    }

    /** Jobs in any of these states, what was asked for last first. */
    jobList(states: JobState[], cursor: string | null): Promise<Page<JobShown>> {
      const query = new URLSearchParams({ limit: String(CARDS) });
      for (const state of states) query.append('state', state);
      if (cursor) query.set('cursor', cursor);
      return this.get(`/api/jobs?${query}`);
    }

    /** What somebody has made of many at once. */
    async batches(): Promise<Batch[]> {
      return (await this.get<{ items: Batch[] }>('/api/batches')).items;
    }

    async batchDeed(id: string, deed: BatchDeed): Promise<Batch> {
      const path = `/api/batches/${encodeURIComponent(id)}`;
      const answer =
        deed === 'cancel' ? this.send('DELETE', path) : this.send('POST', `${path}/${deed}`);
      return (await answer).json();
    }

    job(id: string): Promise<Job> {
      return this.get(`/api/jobs/${encodeURIComponent(id)}`);
    }

    /** What is there already of what a job makes. */
    parts(jobId: string): Promise<Parts> {
      return this.get(`/api/jobs/${encodeURIComponent(jobId)}/parts`);
    }

    async cancel(jobId: string): Promise<Job> {
      return (await this.send('DELETE', `/api/jobs/${encodeURIComponent(jobId)}`)).json();
    }

    /** Has a job go before all else that one waits for. */
    async putFirst(jobId: string): Promise<JobShown> {
      return (await this.send('POST', `/api/jobs/${encodeURIComponent(jobId)}/first`)).json();
    }

    async retry(jobId: string): Promise<Job> {
      return (await this.send('POST', `/api/jobs/${encodeURIComponent(jobId)}/retry`)).json();
    }
  };
