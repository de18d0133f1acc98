/** One's sign-ins, standing key, webhooks and storage, as the gateway tells of them. */
const PERMISSIONS = ['asset.read', 'asset.view', 'album.read'];
const OFF = { state: 'off', detail: '', permissions: [], missing: [], since: null };

export class Account {
  signIns = [
    {
      id: 'sign-in-1',
      device: 'Firefox on Linux',
      way: 'password',
      begun_at: '2026-11-01T10:00:00Z',
      seen_at: '2026-11-29T09:00:00Z',
      current: true,
    },
    {
      id: 'sign-in-2',
      device: 'Quest 3',
      way: 'pairing code',
      begun_at: '2026-11-20T10:00:00Z',
      seen_at: '2026-11-28T20:00:00Z',
      current: false,
    },
  ];
  key = OFF;
  hooks = [];
  /** Permissions that a key for one's absence cannot be given. */
  lacking = [];
  madeByRules = 350;

  /** The answer: [status, body]; null where the path is another's. */
  route(method, path, given) {
    const [, , , id] = path.split('/');
    if (path === '/api/me/standing-key') return this.standing(method);
    if (path === '/api/sessions' && method === 'GET') return [200, { items: this.signIns }];
    if (path.startsWith('/api/sessions/')) {
      this.signIns = this.signIns.filter((one) => one.id !== id);
      return [204];
    }
    if (path === '/api/storage') return [200, this.storage()];
    if (path === '/api/integrations/immich/assets') return [200, this.deleteSome()];
    if (path === '/api/webhooks' && method === 'GET')
      return [200, { webhooks: this.hooks.map(({ secret: _, ...hook }) => hook) }];
    if (path === '/api/webhooks') return [201, this.hook(given)];
    if (path.startsWith('/api/webhooks/')) {
      this.hooks = this.hooks.filter((hook) => hook.id !== id);
      return [204];
    }
    return null;
  }

  standing(method) {
    if (method === 'POST' && this.lacking.length > 0)
      return [403, { code: 'not_permitted', permissions: this.lacking }];
    if (method === 'POST')
      this.key = {
        state: 'on',
        detail: 'what you asked for goes on in your absence',
        permissions: PERMISSIONS,
        missing: [],
        since: '2026-11-29T10:00:00Z',
      };
    if (method === 'DELETE') this.key = OFF;
    return [200, this.key];
  }

  hook({ url, events }) {
    const hook = {
      id: `hook-${this.hooks.length}`,
      url,
      events,
      created_at: '2026-11-29T10:00:00Z',
      failures: 0,
      answers: [],
      secret: 'whsec_dGVzdA==',
    };
    this.hooks.push(hook);
    return hook;
  }

  storage() {
    return {
      looked_at: '2026-11-29T06:00:00Z',
      mine: {
        splats: { objects: 412, bytes: 3_100_000_000 },
        depth: { objects: 1236, bytes: 210_000_000 },
      },
      quota_bytes: 20_000_000_000,
      dry_run: false,
      kept: {},
      gone: {},
      users: {},
    };
  }

  deleteSome() {
    const deleted = Math.min(this.madeByRules, 200);
    this.madeByRules -= deleted;
    return { deleted, left: this.madeByRules };
  }
}
