/** Invented models whose downloads run by the clock. */
const TICKS = 20;

const row = (key, name, makes, size, licence, permissive, state, commercial_use = permissive) => ({
  ...{ key, name, makes, size, state, commercial_use, metric: false, built_in: size === 0 },
  licence: { name: licence, url: `https://licences.example.org/${key}`, permissive },
  ...{ accepted: null, done: 0, total: 0, rate: 0, remaining_s: null, error: null, job: null },
});

export class Models {
  constructor(emit) {
    this.emit = emit;
    this.mayManage = true;
    /** Seconds that a download takes. */
    this.seconds = 2;
    /** model key → error code: how its next download ends. */
    this.failures = new Map();
    this.timers = new Set();
    this.all = new Map(
      [
        row('embedded', 'Depth carried by the photo', ['depth'], 0, 'Apache-2.0', true, 'ready'),
        row('da2-small', 'Depth Anything V2 Small', ['depth'], 99e6, 'Apache-2.0', true, 'ready'),
        row(
          'da3-base',
          'Depth Anything 3 Base',
          ['depth', 'poses'],
          542e6,
          'Apache-2.0',
          true,
          'downloadable',
        ),
        row('sharp', 'SHARP', ['splat'], 2.81e9, 'Apple research licence', false, 'needs_licence'),
        row(
          'vda-small',
          'Video Depth Anything Small',
          ['video-depth'],
          116e6,
          'Apache-2.0',
          true,
          'ready',
        ),
        row(
          'heuristic',
          'Built-in estimator',
          ['depth', 'video-depth'],
          0,
          'Apache-2.0',
          true,
          'ready',
        ),
      ].map((model) => [model.key, model]),
    );
  }

  brief() {
    return [...this.all.values()].map(({ key, name, makes, state, licence, commercial_use }) => ({
      ...{ key, name, makes, state, licence: licence.name, commercial_use },
      usable: ['ready', 'loaded'].includes(state),
    }));
  }

  refusal(asked = 'auto') {
    const model = this.all.get(asked.replace(/^lift-/, ''));
    if (model?.state === 'needs_licence') return 'licence_required';
    return model && ['downloadable', 'failed'].includes(model.state) ? 'consent_required' : null;
  }

  route(method, key, what, wish) {
    if (!key) {
      const models = [...this.all.values()].map((model) => this.view(model));
      return { status: 200, answer: { models, may_manage: this.mayManage } };
    }
    const model = this.all.get(key);
    if (!model) return { status: 404, answer: { code: 'unknown_model' } };
    if (method === 'GET') return { status: 200, answer: this.view(model) };
    const deed = method === 'DELETE' ? 'delete' : what;
    if (!this.view(model).possible.includes(deed)) return { status: 409, answer: { code: 'busy' } };
    if (deed === 'accept') {
      model.accepted = { name: 'Ann', at: new Date().toISOString() };
      if (wish.licence !== model.licence.name)
        return { status: 409, answer: { code: 'other_licence' } };
      this.change(model, { state: 'downloadable' });
      return { status: 200, answer: this.view(model) };
    }
    if (deed === 'download') this.download(model);
    else
      this.change(model, {
        state: { load: 'loaded', unload: 'ready', delete: 'downloadable' }[deed],
      });
    return { status: 202, answer: { job: model.job } };
  }

  cancel(jobId) {
    const model = [...this.all.values()].find(({ job }) => job?.id === jobId);
    if (!model) return false;
    this.change(model, { state: 'downloadable', job: null });
    return true;
  }

  view(model) {
    const { state, job, built_in, licence, accepted } = model;
    const possible = [];
    if (job) possible.push('cancel');
    else if (state === 'needs_licence') possible.push('accept');
    else if (['downloadable', 'failed'].includes(state)) possible.push('download');
    else if (!built_in && (licence.permissive || accepted))
      possible.push(state === 'loaded' ? 'unload' : 'load', 'delete');
    return { ...model, possible: this.mayManage ? possible : [] };
  }

  download(model, step = 0) {
    model.job = { id: `model-download-${model.key}`, kind: 'model-download', state: 'running' };
    const total = model.size;
    const rate = total / this.seconds;
    const done = Math.round((total * step) / TICKS);
    this.change(model, {
      state: 'downloading',
      done,
      total,
      rate,
      remaining_s: (total - done) / rate,
      error: null,
    });
    const timer = setTimeout(
      () => {
        this.timers.delete(timer);
        if (model.state !== 'downloading') return;
        const code = this.failures.get(model.key);
        if (code && step === TICKS / 2) {
          this.failures.delete(model.key);
          model.job = null;
          this.change(model, { state: 'failed', error: { code, message: code, retriable: true } });
        } else if (step === TICKS) {
          model.job = null;
          this.change(model, { state: 'ready', rate: 0, remaining_s: null });
        } else this.download(model, step + 1);
      },
      (this.seconds * 1000) / TICKS,
    );
    this.timers.add(timer);
  }

  change(model, values) {
    Object.assign(model, values);
    const { key, state, done, total, rate, remaining_s, error } = model;
    this.emit('model:progress', { key, state, done, total, rate, remaining_s, error });
  }

  close() {
    for (const timer of this.timers) clearTimeout(timer);
  }
}
