/** What somebody has made of many at once, as the gateway tells of it; nothing goes on but what is pressed. */
export class Batches {
  known = new Map();

  /** One that is under way. */
  begin(id, wanted = {}, progress = {}) {
    this.known.set(id, {
      id,
      state: 'running',
      waits: '',
      wanted: { kind: 'splat', model: 'auto', ...wanted },
      estimate: { items: 40, is_at_least: false, to_make: 40, hours: null, gigabytes: null },
      progress: { looked_at: 40, made: 10, existing: 0, failed: 0, skipped: 0, ...progress },
      under_way: 2,
      signal: null,
      created_at: '2026-11-30T12:00:00Z',
      updated_at: '2026-11-30T12:00:00Z',
    });
  }

  /** The answer to a request about them. */
  route(method, id, deed) {
    if (!id) return { items: [...this.known.values()] };
    const batch = this.known.get(id);
    if (!batch) return null;
    if (method === 'DELETE') batch.state = 'cancelled';
    if (deed === 'start') batch.state = 'running';
    if (deed === 'pause') batch.state = 'paused';
    if (deed === 'retry') batch.progress.failed = 0;
    return batch;
  }
}
