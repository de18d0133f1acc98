/** Photos that become 3D by themselves, as the gateway tells of it; nothing is made. */
const OFF = {
  state: 'off',
  detail: 'photos do not become 3D by themselves',
  notes: [],
  address: '',
  workflows: [],
  last_call: null,
  last_look: null,
  missed: 0,
  left: {},
  external_clips: false,
  clips: 0,
  call: null,
};
const RULE = {
  of: 'all',
  media: 'photo',
  albums: [],
  people: [],
  tag: 'Make 3D',
  only_with_depth: false,
  shorter_than_s: null,
  existing: false,
  remake_edited: false,
  skip: ['screenshots', 'documents', 'panoramas', 'duplicates'],
  kind: 'splat',
  model: 'auto',
  quality: 'full',
};

export class Automation {
  integration = OFF;
  rules = [];
  /** Photos that move in Immich itself. */
  clips = 0;
  /** The ids of photos that were let move one by one. */
  linked = new Set();
  /** Ids of photos whose files lie in external libraries. */
  external = new Set();

  /** The answer to a request about it. */
  route(method, given, what, photo) {
    if (photo) {
      if (method === 'PUT') this.linked.add(photo);
      if (method === 'DELETE') this.linked.delete(photo);
      return { clip: this.linked.has(photo) ? `clip-of-${photo}` : null };
    }
    if (what === 'clips') {
      this.clips = 0;
      this.integration = { ...this.integration, clips: 0 };
      return this.integration;
    }
    if (method === 'POST') {
      if (given.rules) this.rules = given.rules.map((rule) => ({ ...RULE, ...rule }));
      const left = (name) => ({ wanted: given[name], permissions: [], missing: [] });
      this.integration = {
        ...OFF,
        state: 'on',
        detail: 'new photos become 3D by themselves',
        address: 'http://immichvr:2284',
        workflows: [{ trigger: 'AssetMetadataExtraction', exists: true }],
        left: {
          pointer: left('pointer'),
          tag: left('tag'),
          motion_clips: left('motion_clips'),
        },
        external_clips: given.external_clips,
        clips: this.clips,
      };
    }
    if (method === 'DELETE') this.integration = OFF;
    return this.integration;
  }
}
