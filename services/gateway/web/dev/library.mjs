/** An invented library over the fixtures: photos, assets, and jobs that run by the clock. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const STAGES = ['staged', 'decoded', 'inferred', 'packed', 'stored'];
const WEBP = { format: 'webp', media_type: 'image/webp', variant: null };

function readIndex(path) {
  if (!existsSync(path))
    throw new Error(
      `${path} is missing: make_fixtures.py beside it, or make test-browser, makes it`,
    );
  return JSON.parse(readFileSync(path, 'utf8'));
}

export class Library {
  constructor(root, { photos = 130, jobSeconds = 4, onJob = () => {}, onAsset = () => {} } = {}) {
    this.root = root;
    this.index = readIndex(join(root, 'index.json'));
    this.jobSeconds = jobSeconds;
    this.onJob = onJob;
    this.onAsset = onAsset;
    this.jobs = new Map();
    /** ids of jobs that were put first, the latest last */
    this.first = [];
    this.timers = new Set();
    /** photo id → error code: how the next job of this photo ends. */
    this.failures = new Map();
    /** ids of photos whose pictures cannot be made */
    this.broken = new Set();
    this.photos = new Map();
    for (let i = 0; i < photos; i += 1) this.addPhoto(i);
  }

  addPhoto(i) {
    const plain = this.index.filter((entry) => !entry.depth);
    const deep = this.index.filter((entry) => entry.depth);
    const source = i % 3 === 1 ? plain[Math.floor(i / 3) % plain.length] : deep[i % deep.length];
    const id = `photo-${String(i).padStart(4, '0')}`;
    this.photos.set(id, {
      id,
      source,
      name: `${source.name}-${i}.jpg`,
      taken_at: new Date(Date.UTC(2026, 5, 20 - i, 9, 30)).toISOString(),
      depth: Boolean(source.depth) && i % 4 !== 3,
      splat: Boolean(source.depth) && i % 2 === 0,
      formats: [],
    });
  }

  entry(photo) {
    const { id, name, source, taken_at } = photo;
    const job = [...this.jobs.values()].findLast(
      (j) => j.photo_id === id && ['queued', 'running', 'failed'].includes(j.state),
    );
    return {
      kind: 'photo',
      id,
      name,
      width: source.width,
      height: source.height,
      taken_at,
      dated_by_file: photo.datedByFile ?? false,
      version: '1',
      thumbnail: `/api/photos/${id}/thumbnail`,
      original: `/api/photos/${id}/original`,
      favorite: false,
      archived: false,
      mine: true,
      edited: false,
      rating: null,
      projection: photo.projection ?? null,
      place: null,
      stack: null,
      live: photo.live ?? false,
      playback: photo.live ? `/api/photos/${id}/playback` : null,
      badges: { depth: photo.depth, splat: photo.splat },
      job: job ?? null,
      external_url: `https://photos.example.org/photos/${id}`,
    };
  }

  assets(photo) {
    const assets = [];
    if (photo.splat) assets.push(this.splatAsset(photo));
    if (photo.filled) assets.push(this.filledAsset(photo));
    if (photo.depth) assets.push(this.depthAsset(photo));
    if (photo.motion) assets.push(this.motionAsset(photo));
    return assets;
  }

  splatAsset(photo) {
    const model = photo.rough ? 'lift-heuristic' : 'lift-da2-small';
    const key = `splat-${model}`;
    const files = ['full', 'light'].map((variant) =>
      this.file(photo, key, `${photo.source.name}-${variant}.spz`, {
        role: 'splat',
        format: 'spz',
        variant,
        media_type: 'application/octet-stream',
      }),
    );
    for (const format of photo.formats) {
      const download_name = files[0].download_name.replace('spz', format);
      files.push({ ...files[0], format, download_name });
    }
    return {
      ...this.base(photo, key, 'splat', model),
      losses: ['Colours behind depth edges are inpainted'],
      files,
    };
  }

  filledAsset(photo) {
    const made = this.splatAsset(photo);
    const key = `${made.key}-inpainted-fill`;
    const shown = ['before', 'after'].map((role) =>
      this.file(photo, key, `${photo.source.name}.webp`, { role, ...WEBP, variant: '000' }),
    );
    const model_key = `${made.model_key}-inpainted-fill`;
    const created_at = new Date().toISOString();
    return { ...made, key, model_key, created_at, files: [...made.files, ...shown] };
  }

  depthAsset(photo) {
    const key = 'depth-da2-small';
    const { name } = photo.source;
    const files = ['disparity', 'background', 'background-disparity'].map((role) =>
      this.file(photo, key, `${name}-${role}.webp`, { role, ...WEBP }),
    );
    return {
      ...this.base(photo, key, 'depth', 'da2-small'),
      depth: photo.source.depth,
      files,
    };
  }

  motionAsset(photo) {
    const key = 'motion-da2-small';
    const rest = { role: 'motion', format: 'mp4', variant: '', media_type: 'video/mp4' };
    return {
      ...this.base(photo, key, 'motion', 'da2-small'),
      files: [this.file(photo, key, 'square-wide.mp4', rest)],
    };
  }

  base(photo, key, kind, model_key) {
    return {
      key,
      kind,
      model_key,
      requested_model: 'auto',
      reason: 'The photo carries no depth of its own',
      metric: true,
      outdated: false,
      created_at: photo.taken_at,
      camera: photo.source.camera,
      depth: null,
      params: {},
      timings: { decode: 0.18, infer: 1.42, lift: 0.61, store: 0.05 },
      losses: [],
      details: {},
    };
  }

  file(photo, key, file, rest) {
    const path = join(this.root, file);
    return {
      name: file,
      size: existsSync(path) ? statSync(path).size : 0,
      sha256: '0'.repeat(64),
      url: `/api/photos/${photo.id}/assets/${key}/${file}`,
      download_name: `${photo.id}_${key.replace(/^\w+-/, '')}.${rest.format}`,
      ...rest,
    };
  }

  start(kind, photo, params) {
    const id = `${kind}-${photo.id}-${params.format ?? params.model}`;
    const known = this.jobs.get(id);
    if (known && ['queued', 'running'].includes(known.state)) return known;
    if (kind === 'splat' && photo.splat && !params.force) return this.finished(id, kind, photo);
    const now = new Date().toISOString();
    const job = {
      id,
      kind,
      source: { kind: 'photo', id: photo.id },
      photo_id: photo.id,
      requesters: ['me'],
      params,
      state: 'queued',
      run: (known?.run ?? 0) + 1,
      attempts: 0,
      progress: { fraction: 0, stage: 'queued', message: '' },
      timeline: [],
      error: null,
      outputs: [],
      created_at: now,
      updated_at: now,
    };
    this.jobs.set(id, job);
    this.run(job, photo, 0);
    return job;
  }

  finished(id, kind, photo) {
    const now = new Date().toISOString();
    const progress = { fraction: 1, stage: 'stored', message: '' };
    const rest = { params: {}, requesters: [], timeline: [], error: null, outputs: [] };
    return {
      ...rest,
      ...{
        id,
        kind,
        source: { kind: 'photo', id: photo.id },
        photo_id: photo.id,
        state: 'succeeded',
        run: 1,
        attempts: 1,
        progress,
      },
      ...{ created_at: now, updated_at: now },
    };
  }

  run(job, photo, step) {
    const ticks = 20;
    const timer = setTimeout(
      () => {
        this.timers.delete(timer);
        if (this.jobs.get(job.id) !== job || job.state === 'cancelled') return;
        const code = this.failures.get(photo.id);
        if (code && step === ticks / 2) return this.fail(job, photo, code);
        if (step === ticks) return this.succeed(job, photo);
        const stage = STAGES[Math.min(Math.floor((step / ticks) * 5), 4)];
        this.change(job, {
          state: 'running',
          attempts: 1,
          progress: { fraction: step / ticks, stage, message: '' },
        });
        return this.run(job, photo, step + 1);
      },
      (this.jobSeconds * 1000) / ticks,
    );
    this.timers.add(timer);
  }

  /** As far as this, for tests that do not leave it to the clock. */
  advance(job, fraction) {
    const progress = { fraction, stage: 'inferred', message: '' };
    this.change(job, { state: 'running', attempts: 1, progress });
  }

  fail(job, photo, code) {
    this.failures.delete(photo.id);
    const message = `${photo.name}: stopped at byte 4711 of 90210`;
    this.change(job, { state: 'failed', error: { code, message, retriable: true } });
  }

  succeed(job, photo) {
    if (job.kind === 'convert') photo.formats.push(job.params.format);
    else if (job.kind === 'motion') photo.motion = true;
    else if (job.kind === 'inpaint') photo.filled = true;
    else {
      photo.depth = true;
      if (job.kind === 'splat') photo.splat = true;
    }
    this.change(job, {
      state: 'succeeded',
      progress: { fraction: 1, stage: 'stored', message: '' },
      outputs: ['splat-lift-da2-small'],
    });
    for (const asset of this.assets(photo)) this.onAsset(photo.id, asset);
  }

  /** A job with where it stands among those that wait: what was put first last is first. */
  placed(job) {
    const waiting = [...this.jobs.values()].filter(({ state }) => state === 'queued');
    waiting.sort((a, b) => this.first.indexOf(b.id) - this.first.indexOf(a.id));
    const ahead = waiting.indexOf(job);
    const place = { ahead, in_line: true, starts_in_s: null, paused_until: null };
    return { ...job, place: ahead < 0 ? null : place };
  }

  putFirst(job) {
    this.first = [...this.first.filter((id) => id !== job.id), job.id];
    return this.placed(job);
  }

  change(job, values) {
    Object.assign(job, values, { updated_at: new Date().toISOString() });
    this.onJob(job);
  }

  close() {
    for (const timer of this.timers) clearTimeout(timer);
  }
}
