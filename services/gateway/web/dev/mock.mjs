/**
 * A gateway to develop the viewer against: serves `dist` and the API over invented photos.
 * `npm run mock` listens on http://127.0.0.1:8087; `npm run dev` sends /api there.
 */
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Account } from './account.mjs';
import { Automation } from './automation.mjs';
import { Batches } from './batches.mjs';
import { Films } from './films.mjs';
import { Library } from './library.mjs';
import { Models } from './models.mjs';
import { PlacesMock, paged } from './places.mjs';
import { GALLERY, Preferences } from './preferences.mjs';
import { ScenesMock } from './scenes.mjs';
import { EventSocket } from './socket.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const DIST = join(HERE, '../dist');
const FIXTURES = join(HERE, '.fixtures');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.mp4': 'video/mp4',
};
/** The gateway's own, so that what it forbids fails here too. */
const CSP = [
  ...readFileSync(new URL('../../src/immichvr_gateway/http/headers.py', import.meta.url), 'utf8')
    .split('VIEWER = ')[1]
    .split(']')[0]
    .matchAll(/^ +"(.+)",$/gm),
]
  .map(([, directive]) => directive)
  .join('; ');

/**
 * Starts the server. Returns it with its knobs: `library`, `socket`, `state`, `close`.
 * Whoever signs in by e-mail is a person with photos of their own: every second one, as `ownerOf` says.
 */
export async function startMock({
  port = 0,
  base = '/',
  photos,
  films: howMany,
  jobSeconds,
  library: kind,
  draws = false,
} = {}) {
  const state = {
    authenticated: true,
    person: '',
    kind: kind ?? 'immich',
    broken: false,
    picturesOfVideos: true,
    /** ids of photos that are somebody else's */
    others: new Set(),
    delayMs: 0,
  };
  const server = createServer((request, response) => {
    setTimeout(() => answer(request, response), state.delayMs);
  });
  // Before the socket, whose heartbeat would keep a process alive that has no fixtures.
  const library = new Library(FIXTURES, {
    photos,
    jobSeconds,
    onJob: (job) => socket.emit('job:update', job),
    onAsset: (photo_id, asset) => socket.emit('asset:created', { photo_id, asset }),
  });
  const socket = new EventSocket(server, `${base}api/socket.io`);
  const account = new Account();
  const preferences = new Preferences();
  const automation = new Automation();
  const batches = new Batches();
  const models = new Models((event, payload) => socket.emit(event, payload));

  const films = new Films(FIXTURES, {
    films: howMany,
    jobSeconds,
    onJob: (job) => socket.emit('job:update', job),
    onAsset: (id, asset) =>
      socket.emit('asset:created', { photo_id: '', source: { kind: 'video', id }, asset }),
  });

  const scenes = new ScenesMock({ onJob: (job) => socket.emit('job:update', job) });

  const places = new PlacesMock(() => [
    ...[...library.photos.values()].filter(isSeen).map((photo) => entryOf(photo)),
    ...[...films.videos.values()].map((film) => filmOf(film)),
  ]);
  const entryOf = (photo) => ({
    ...library.entry(photo),
    favorite: places.favourites.has(photo.id),
    mine: !state.others.has(photo.id),
  });
  const filmOf = (film) => ({ ...films.entry(film), favorite: places.favourites.has(film.id) });

  async function answer(request, response) {
    const url = new URL(request.url, 'http://localhost');
    const path = url.pathname.startsWith(base) ? `/${url.pathname.slice(base.length)}` : '';
    if (!path) return problem(response, 404, 'not_found');
    if (!path.startsWith('/api/')) return serveViewer(path, response);
    if (path === '/api/config') return json(response, 200, config());
    if (path === '/api/session') return session(request, response);
    if (!state.authenticated) return problem(response, 401, 'unauthorized');
    if (state.broken) return problem(response, 503, 'unavailable', { down: ['nats'] });
    return route(request, response, path, url);
  }

  function config() {
    return {
      version: '0.1.0',
      library: state.kind,
      authenticated: state.authenticated,
      sign_in: { password: true, oauth: null },
      immich_external_url: 'https://photos.example.org',
      models: models.brief(),
      depth_models: ['auto', 'embedded', 'da2-small', 'heuristic'],
      splat_models: [
        'auto',
        'lift-embedded',
        'lift-da2-small',
        'lift-heuristic',
        'lift-da3-base',
        'sharp',
      ],
      formats: ['ply', 'spz', 'splat'],
      qualities: ['full', 'light', 'medium'],
      gallery: GALLERY,
      draws_splats: draws,
    };
  }

  async function session(request, response) {
    if (request.method === 'DELETE') state.authenticated = false;
    else {
      const given = await body(request);
      if (Object.values(given).includes('wrong')) return problem(response, 401, 'unauthorized');
      state.authenticated = true;
      state.person = (given.email ?? '').split('@')[0];
    }
    response.writeHead(204);
    return response.end();
  }

  async function route(request, response, path, url) {
    const [, , collection, id, what, ...rest] = path.split('/');
    if (collection === 'models') {
      const { status, answer } = models.route(request.method, id, what, await body(request));
      return status >= 400
        ? problem(response, status, answer.code, answer)
        : json(response, status, answer);
    }
    const ofAccount = account.route(
      request.method,
      path,
      path === '/api/webhooks' ? await body(request) : {},
    );
    if (ofAccount) return told(response, ofAccount);
    if (path === '/api/me/settings') {
      if (request.method === 'PATCH') preferences.change(await body(request));
      return json(response, 200, preferences.kept);
    }
    if (collection === 'integrations') {
      if (
        request.method === 'PUT' &&
        automation.external.has(rest[0]) &&
        !url.search.includes('true')
      )
        return problem(response, 409, 'external_library');
      const given = await body(request);
      return json(response, 200, automation.route(request.method, given, what, rest[0]));
    }
    if (collection === 'rules')
      return json(response, 200, { rules: automation.rules, since: '2026-06-01T10:00:00Z' });
    const found = places.route(collection, id, what, url);
    if (found) {
      const [status, value] = found;
      if (status === 'picture') return picture(response, value);
      return status >= 400 ? problem(response, status, value) : json(response, status, value);
    }
    if (['scenes', 'reconstruct'].includes(collection)) {
      const given = request.method === 'POST' ? await body(request) : {};
      const [status, answer] = await scenes.route(
        request.method,
        collection,
        id,
        what,
        rest,
        given,
      );
      if (status === 'file') return file(response, join(FIXTURES, answer));
      if (status === 'bytes') return response.end(answer);
      return status >= 400 ? problem(response, status, answer) : json(response, status, answer);
    }
    if (what === 'favorite') return favourite(request, response, id);
    if (collection === 'batches') {
      const told = batches.route(request.method, id, what);
      return told ? json(response, 200, told) : problem(response, 404, 'not_found');
    }
    if (collection === 'jobs') return jobs(request, response, url, id, what, rest[0]);
    if (path === '/api/assets/map') return json(response, 200, assetMap());
    if (collection === 'videos') return ofVideo(request, response, id, what, rest, url);
    if (collection === 'photos' && !id) return list(response, url);
    const photo = library.photos.get(id);
    if (!photo || !isSeen(photo)) return problem(response, 404, 'not_found');
    if (request.method === 'POST') {
      const wish = await body(request);
      const refused = models.refusal(wish.model);
      if (refused) return problem(response, 403, refused);
      const job = library.start(
        what === 'splat' && rest[0] === 'convert' ? 'convert' : what,
        photo,
        wish,
      );
      return json(response, job.state === 'succeeded' ? 200 : 202, { job });
    }
    if (what === 'stack') return json(response, 200, { items: [entryOf(photo)] });
    if (!what) {
      const shot = { camera: 'Pixel 8', lens: null, exposure: '1/250', f_number: 1.8, iso: 64 };
      const focal = { focal_length_mm: 6.9 };
      const assets = library.assets(photo);
      return json(response, 200, { ...entryOf(photo), shot: { ...shot, ...focal }, assets });
    }
    if (what === 'assets' && !rest.length)
      return json(response, 200, { assets: library.assets(photo) });
    if (what === 'assets') return part(request, response, join(FIXTURES, normalize(`/${rest[1]}`)));
    if (library.broken.has(id)) return problem(response, 409, 'invalid_image');
    return file(response, join(FIXTURES, `${photo.source.name}.webp`));
  }

  async function favourite(request, response, id) {
    const { favorite } = await body(request);
    if (state.others.has(id))
      return problem(response, 403, 'not_permitted', { detail: 'only its owner may' });
    if (favorite) places.favourites.add(id);
    else places.favourites.delete(id);
    response.writeHead(204);
    return response.end();
  }

  function picture(response, item) {
    const { source } = library.photos.get(item.id) ?? films.videos.get(item.id);
    return file(response, join(FIXTURES, `${source.name}.webp`));
  }

  async function ofVideo(request, response, id, what, rest, url) {
    if (!id) {
      const items = [...films.videos.values()].map((video) => filmOf(video));
      return json(response, 200, paged(items.filter(liked(url)), url));
    }
    const video = films.videos.get(id);
    if (!video) return problem(response, 404, 'not_found');
    if (request.method === 'POST')
      return json(response, 202, { job: films.start(what, video, await body(request)) });
    if (!what) return json(response, 200, { ...filmOf(video), assets: films.assets(video) });
    if (what === 'assets') return part(request, response, join(FIXTURES, normalize(`/${rest[1]}`)));
    if (['thumbnail', 'preview'].includes(what) && !state.picturesOfVideos)
      return problem(response, 404, 'photo_not_found');
    const suffix = what === 'playback' || what === 'original' ? 'mp4' : 'webp';
    return part(request, response, join(FIXTURES, `${video.source.name}.${suffix}`));
  }

  function isSeen(photo) {
    return !state.person || ownerOf(photo.id) === state.person;
  }

  function list(response, url) {
    const all = [...library.photos.values()].filter(isSeen).map((photo) => entryOf(photo));
    return json(response, 200, paged(all.filter(liked(url)), url));
  }

  const liked = (url) => (item) => !url.searchParams.has('favorite') || item.favorite;

  function assetMap() {
    const made = [...library.photos.values()].filter((photo) => photo.depth || photo.splat);
    const map = Object.fromEntries(
      made.map(({ id, depth, splat }) => [
        id,
        { depth: depth ? ['da2-small'] : [], splat: splat ? ['lift-da2-small'] : [] },
      ]),
    );
    return { status: 'success', count: made.length, map };
  }

  async function jobs(request, response, url, id, what, file) {
    if (!id && request.method === 'POST') {
      const { kind, source, params } = await body(request);
      return json(response, 202, {
        job: library.start(kind, library.photos.get(source.id), params),
      });
    }
    const all = [...library.jobs.values(), ...films.jobs.values(), ...scenes.jobs.values()];
    if (!id) {
      const states = url.searchParams.getAll('state');
      const asked = all.filter((job) => states.includes(job.state)).toReversed();
      const placed = asked.map((job) => library.placed(job));
      return json(response, 200, paged(placed, url));
    }
    if (models.cancel(id)) return json(response, 202, {});
    const ofScene = scenes.jobs.get(id);
    if (ofScene) return json(response, 200, what === 'parts' ? { items: [] } : ofScene);
    const made = films.jobs.get(id);
    if (made && what === 'parts' && !file) return json(response, 200, films.parts(made));
    if (made && what === 'parts') return part(request, response, films.partFile(made, file));
    if (made && request.method === 'DELETE') films.change(made, { state: 'cancelled' });
    if (made) return json(response, request.method === 'GET' ? 200 : 202, made);
    const job = library.jobs.get(id);
    if (!job) return problem(response, 404, 'not_found');
    if (request.method === 'DELETE') library.change(job, { state: 'cancelled' });
    if (what === 'first') return json(response, 200, library.putFirst(job));
    if (what !== 'retry') return json(response, request.method === 'GET' ? 200 : 202, job);
    const photo = library.photos.get(job.photo_id);
    return json(response, 202, library.start(job.kind, photo, { ...job.params, force: true }));
  }

  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}${base}`;
  const close = () => {
    library.close();
    films.close();
    models.close();
    socket.close();
    server.closeAllConnections();
    server.close();
  };
  return {
    url,
    account,
    automation,
    batches,
    library,
    films,
    models,
    places,
    scenes,
    socket,
    state,
    close,
  };
}

export const ownerOf = (id) => (Number(id.split('-')[1]) % 2 ? 'bob' : 'alice');

function serveViewer(path, response) {
  const asked = join(DIST, normalize(path === '/' ? '/index.html' : path));
  return file(response, asked, { 'content-security-policy': CSP });
}

function file(response, path, headers = {}) {
  if (!existsSync(path)) return problem(response, 404, 'not_found');
  response.writeHead(200, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'content-length': statSync(path).size,
    ...headers,
  });
  return createReadStream(path).pipe(response);
}

/** A file, whole or the range that is asked for. */
function part(request, response, path) {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (!range || !existsSync(path)) return file(response, path, { 'accept-ranges': 'bytes' });
  const { size } = statSync(path);
  const [start, end] = [Number(range[1]), Math.min(Number(range[2] || size - 1), size - 1)];
  response.writeHead(206, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'content-length': end - start + 1,
    'content-range': `bytes ${start}-${end}/${size}`,
  });
  return createReadStream(path, { start, end }).pipe(response);
}

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

function problem(response, status, code, rest = {}) {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ title: code, status, code, ...rest }));
}

function told(response, [status, answer]) {
  if (status >= 400) return problem(response, status, answer.code, answer);
  if (answer) return json(response, status, answer);
  response.writeHead(status);
  return response.end();
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startMock({ port: Number(process.env.PORT ?? 8087) });
  process.stdout.write(`mock gateway: ${url}\n`);
}
