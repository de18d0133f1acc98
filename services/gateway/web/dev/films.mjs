/** Invented videos over the fixtures: their depth, and jobs that make it part by part. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const TICK_MS = 50;

export class Films {
  constructor(root, { films = 5, jobSeconds = 4, onJob = () => {}, onAsset = () => {} } = {}) {
    this.root = root;
    this.index = JSON.parse(readFileSync(join(root, 'videos.json'), 'utf8'));
    this.jobSeconds = jobSeconds;
    this.onJob = onJob;
    this.onAsset = onAsset;
    this.jobs = new Map();
    this.timers = new Set();
    /** video id → error code: how the next job of this video ends. */
    this.failures = new Map();
    /** Parts of a job that are there; all jobs wait at this many until it is raised. */
    this.mostParts = Number.POSITIVE_INFINITY;
    /** Why depth was not made by a better model. */
    this.reason = '';
    this.videos = new Map();
    for (let i = 0; i < films; i += 1) this.add(i);
  }

  add(i) {
    const source = this.index[i % this.index.length];
    const id = `video-${String(i).padStart(4, '0')}`;
    const taken_at = new Date(Date.UTC(2026, 4, 20 - i, 9, 30)).toISOString();
    this.videos.set(id, {
      id,
      source,
      name: `${source.name}-${i}.mp4`,
      taken_at,
      depth: i % 2 === 1,
      stereo: [],
    });
  }

  entry({ id, name, source, taken_at, depth }) {
    const job = [...this.jobs.values()].findLast(
      (one) => one.source.id === id && ['queued', 'running', 'failed'].includes(one.state),
    );
    const at = `/api/videos/${id}`;
    return {
      kind: 'video',
      id,
      name,
      width: source.width,
      height: source.height,
      taken_at,
      dated_by_file: false,
      version: '1',
      thumbnail: `${at}/thumbnail`,
      preview: `${at}/preview`,
      original: `${at}/original`,
      playback: `${at}/playback`,
      duration_s: source.seconds,
      favorite: false,
      archived: false,
      mine: true,
      edited: false,
      rating: null,
      projection: null,
      place: null,
      stack: null,
      badges: { 'depth-video': depth },
      job: job ?? null,
      external_url: null,
    };
  }

  assets(video) {
    if (!video.depth) return [];
    const { name, rgbd, strip, seconds } = video.source;
    const file = (path, role, format, variant = '') => ({
      name: path,
      role,
      format,
      variant,
      size: statSync(join(this.root, path)).size,
      sha256: '0'.repeat(64),
      media_type: format === 'webp' ? 'image/webp' : 'video/mp4',
      url: `/api/videos/${video.id}/assets/depth-video-vda-small/${path}`,
      download_name: `${name}_vda-small${variant && `_${variant}`}.${format}`,
    });
    return [
      {
        key: 'depth-video-vda-small',
        kind: 'depth-video',
        model_key: 'vda-small',
        model_revision: '1',
        requested_model: 'auto',
        reason: this.reason,
        metric: false,
        outdated: false,
        created_at: video.taken_at,
        camera: null,
        depth: null,
        params: {},
        timings: {},
        losses: [],
        details: { rgbd, strip, video: { fps: 12, seconds } },
        files: [
          file(`${name}-rgbd.mp4`, 'rgbd', 'mp4'),
          file(`${name}-strip.webp`, 'strip', 'webp'),
          ...video.stereo.map((layout) => file(`${name}-rgbd.mp4`, 'stereo', 'mp4', layout)),
        ],
      },
    ];
  }

  start(what, video, params) {
    const kind = what === 'depth' ? 'video-depth' : what;
    const id = `${kind}-${video.id}-${params.layout ?? params.model}`;
    const now = new Date().toISOString();
    const job = {
      id,
      kind,
      source: { kind: 'video', id: video.id },
      photo_id: '',
      requesters: ['me'],
      params,
      state: 'queued',
      run: (this.jobs.get(id)?.run ?? 0) + 1,
      attempts: 1,
      progress: { fraction: 0, stage: 'queued', message: '' },
      timeline: [],
      error: null,
      outputs: [],
      created_at: now,
      updated_at: now,
    };
    this.jobs.set(id, job);
    this.go(job, video, Date.now());
    return job;
  }

  /** How many parts of a job are there. */
  partsOf(job) {
    const { parts } = this.videos.get(job.source.id).source;
    return Math.min(Math.floor(job.progress.fraction * parts), this.mostParts);
  }

  parts(job) {
    const { parts, rgbd, name } = this.videos.get(job.source.id).source;
    const there = this.partsOf(job);
    const part = (file, from_s, to_s) => ({
      name: file,
      from_s,
      to_s,
      url: `/api/jobs/${job.id}/parts/${file}`,
    });
    const items = Array.from({ length: Math.min(there, parts) }, (_, i) =>
      part(`${String(i + 1).padStart(5, '0')}.m4s`, i, i + 1),
    );
    return {
      items: there ? [part('init.mp4', 0, 0), ...items] : [],
      rgbd: there ? rgbd : null,
      name,
    };
  }

  partFile(job, file) {
    return join(this.root, `${this.videos.get(job.source.id).source.name}-${file}`);
  }

  go(job, video, begun) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (this.jobs.get(job.id) !== job || job.state === 'cancelled') return;
      const code = this.failures.get(video.id);
      const done = Math.min((Date.now() - begun) / 1000 / this.jobSeconds, 1);
      const held = Math.min(done, this.mostParts / video.source.parts);
      if (code && done > 0.5) return this.fail(job, video, code);
      if (held >= 1) return this.succeed(job, video);
      const progress = { fraction: held, stage: 'inferred', message: 'estimating depth' };
      this.change(job, { state: 'running', progress });
      return this.go(job, video, begun);
    }, TICK_MS);
    this.timers.add(timer);
  }

  fail(job, video, code) {
    this.failures.delete(video.id);
    const error = { code, message: 'the file ends in the middle', retriable: false };
    this.change(job, { state: 'failed', error });
  }

  succeed(job, video) {
    if (job.kind === 'stereo') video.stereo.push(job.params.layout);
    video.depth = true;
    const progress = { fraction: 1, stage: 'stored', message: '' };
    this.change(job, { state: 'succeeded', progress, outputs: ['depth-video-vda-small'] });
    for (const asset of this.assets(video)) this.onAsset(video.id, asset);
  }

  change(job, values) {
    Object.assign(job, values, { updated_at: new Date().toISOString() });
    this.onJob(job);
  }

  close() {
    for (const timer of this.timers) clearTimeout(timer);
  }
}
