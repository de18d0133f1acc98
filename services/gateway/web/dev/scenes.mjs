/** Invented places to walk in: splats of the fixtures, one of points alone, and jobs that a test ends itself. */
import { gzipSync } from 'node:zlib';
import { glbOf, TREE } from './points.mjs';

const CAMERA = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
const FILLED = '-inpainted-';

export class ScenesMock {
  constructor({ onJob }) {
    this.onJob = onJob;
    this.scenes = new Map();
    this.jobs = new Map();
    /** scene id → a promise that its next answers wait for */
    this.held = new Map();
    /** a promise that levels of points wait for, but for the first */
    this.heldLevels = null;
    this.reconstruct = {
      methods: ['gaussian_splatting', 'points', 'cloud'],
      poses: ['auto'],
      qualities: ['draft'],
      most_photos: 200,
      cloud: { name: 'Far', address: 'https://far.example', sends: 'the photos', cost: 'money' },
    };
    /** What places were asked for. */
    this.wishes = [];
  }

  add(id, keys = ['gaussians'], kind = 'splat') {
    this.scenes.set(id, { id, kind, keys, walls: null });
  }

  /** Solid all over but for a room so wide to either side of where one comes in. */
  wallIn(id, half) {
    const side = 16;
    const size = (4 * half) / side;
    const bits = Buffer.alloc(side ** 3 / 8);
    const isFree = (at) => at >= side / 4 && at < (3 * side) / 4;
    for (let at = 0; at < side ** 3; at += 1) {
      const spot = [at % side, Math.floor(at / side) % side, Math.floor(at / side ** 2)];
      if (!spot.every(isFree)) bits[at >> 3] |= 1 << (at & 7);
    }
    const origin = [-2 * half, -2 * half, -2 * half];
    const head = { form: 'immichvr-voxels', version: 1, origin, size, shape: [side, side, side] };
    this.scenes.get(id).walls = gzipSync(
      Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), bits]),
    );
  }

  /** A job about a scene that goes on. */
  start(id, kind, scene) {
    const job = {
      id,
      kind,
      photo_id: '',
      source: { kind: 'scene', id: scene },
      requesters: [],
      params: {},
      state: 'running',
      run: 1,
      attempts: 1,
      progress: { fraction: 0.5, stage: 'trained', message: '' },
      timeline: [],
      error: null,
      outputs: [],
      created_at: '2026-06-20T09:30:00Z',
      updated_at: '2026-06-20T09:30:00Z',
    };
    this.jobs.set(id, job);
    this.onJob(job);
    return job;
  }

  /** It has ended, and made this version of its scene where it filled one. */
  end(job, made) {
    if (made) this.scenes.get(job.source.id).keys.push(made);
    Object.assign(job, {
      state: 'succeeded',
      outputs: made ? [`splat-${made}`] : [],
      updated_at: '2026-06-20T09:31:00Z',
    });
    this.onJob(job);
  }

  /** [status, answer], or ['file', name] or ['bytes', buffer]; null where the path is another's. */
  async route(method, collection, id, what, rest, given) {
    if (collection === 'reconstruct') {
      if (method === 'GET') return [200, this.reconstruct];
      this.wishes.push(given);
      return [202, { job: this.start('job-made', 'reconstruct', 'new') }];
    }
    if (collection !== 'scenes') return null;
    if (!id) return [200, { items: [...this.scenes.values()].map(card), next_cursor: null }];
    await this.held.get(id);
    const scene = this.scenes.get(id);
    if (!scene) return [404, 'not_found'];
    if (method === 'DELETE') {
      this.scenes.delete(id);
      return [200, { deleted: 1, left: 0 }];
    }
    if (what === 'inpaint') return [202, { job: this.start('job-filled', 'inpaint', id) }];
    if (what === 'assets' && rest[1] === 'points.ply') return ['bytes', PLY];
    if (what === 'assets' && rest[1] === 'voxels.gz') return ['bytes', scene.walls];
    if (what === 'assets' && TREE.has(rest[1])) return ['bytes', TREE.get(rest[1])];
    if (what === 'assets' && rest[1] in LEVELS) {
      if (rest[1] !== 'preview.glb') await this.heldLevels;
      return ['bytes', LEVELS[rest[1]]];
    }
    if (what === 'assets') return ['file', 'ridges-0-light.spz'];
    return [200, details(scene)];
  }
}

const card = ({ id, kind, keys }) => ({
  id,
  name: `Scene ${id}`,
  made_of: { kind: 'photo', ids: [] },
  kinds: [kind],
  completed: keys.some((key) => key.includes(FILLED)),
  created_at: '2026-06-20T09:30:00Z',
  cover: '',
});

const details = (scene) => ({
  ...card(scene),
  cameras: [
    { camera_to_world: CAMERA, width: 320, height: 240, fx: 264, fy: 264, cx: 160, cy: 120 },
  ],
  metrics: {},
  dropped: [],
  assets: scene.keys.map((model_key) => asset(scene, model_key)),
});

function asset({ id, kind, walls }, model_key) {
  const key = `${kind}-${model_key}`;
  const of = (role, format, name) => ({
    role,
    format,
    name,
    variant: '',
    media_type: 'application/octet-stream',
    size: 1000,
    sha256: '0'.repeat(64),
    url: `/api/scenes/${id}/assets/${key}/${name}`,
    download_name: `${id}_${name}`,
  });
  const files =
    kind === 'points'
      ? [of('points', 'ply', 'points.ply'), ...(POINT_FILES[model_key] ?? OTHERS)(of)]
      : [of('splat', 'spz', 'splat.spz')];
  if (walls) files.push(of('collision', 'voxels', 'voxels.gz'));
  return { key, kind, model_key, created_at: '2026-06-20T09:30:00Z', losses: [], files };
}

/** Beside its PLY, what points of each model have. */
const POINT_FILES = {
  tiled: (of) => [
    ...[...TREE.keys()]
      .filter((name) => name !== 'tiles.json')
      .map((name) => of('tile', 'glb', name)),
    of('tiles', 'json', 'tiles.json'),
  ],
  levels: (of) =>
    Object.keys(LEVELS).map((name) => ({
      ...of('level', 'glb', name),
      variant: name.split('.')[0],
    })),
};
const OTHERS = (of) => [of('level', 'glb', 'points-1.glb')];

/** A few points, more, and all. */
const LEVELS = Object.fromEntries(
  [
    ['preview', 20],
    ['medium', 200],
    ['full', 900],
  ].map(([name, count]) => [
    `${name}.glb`,
    glbOf(
      Array.from({ length: count }, (_, i) => [(i % 30) / 15 - 1, Math.floor(i / 30) / 15 - 1, 3]),
    ),
  ]),
);

/** A wall of 400 red points before the camera. */
const PLY = (() => {
  const axes = ['x', 'y', 'z'].map((axis) => `property float ${axis}\n`).join('');
  const colours = ['red', 'green', 'blue'].map((name) => `property uchar ${name}\n`).join('');
  const header = `ply\nformat binary_little_endian 1.0\nelement vertex 400\n${axes}${colours}end_header\n`;
  const body = Buffer.alloc(400 * 15);
  for (let i = 0; i < 400; i += 1) {
    body.writeFloatLE((i % 20) / 10 - 1, i * 15);
    body.writeFloatLE(Math.floor(i / 20) / 10 - 1, i * 15 + 4);
    body.writeFloatLE(3, i * 15 + 8);
    body[i * 15 + 12] = 255;
  }
  return Buffer.concat([Buffer.from(header, 'latin1'), body]);
})();
