import type { SearchMode } from '../router';
import type {
  Album,
  Asset,
  AssetMap,
  Config,
  Credentials,
  Device,
  Glimpse,
  Hook,
  HookEvent,
  HookMade,
  Integration,
  Item,
  Job,
  JobShown,
  JobState,
  Locality,
  Memory,
  ModelDeed,
  ModelDetails,
  ModelList,
  Month,
  PairingState,
  Parts,
  Person,
  Photo,
  PhotoDetail,
  PhotoPage,
  Problem,
  Quality,
  Rules,
  RuleWanted,
  Share,
  SignIn,
  StandingKey,
  Storage,
  VideoDetail,
  VideoPage,
  Waiting,
} from './schema';

/** An answer that is not a success. `code` is the gateway's word for it, or `offline`. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly problem: Problem = {},
  ) {
    super(problem.detail || problem.title || code);
    this.name = 'ApiError';
  }
}

type Fetch = (input: string, init?: RequestInit) => Promise<Response>;
export type OnBytes = (received: number, total: number) => void;

/** Entries of a page. */
const CARDS = 60;
const TILES = 100;
const A_MONTH = 1000;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

function paged(cursor: string | null, limit: number, rest: Record<string, string> = {}): string {
  const query = new URLSearchParams({ ...rest, limit: String(limit) });
  if (cursor) query.set('cursor', cursor);
  return query.toString();
}

/** What may be asked when nobody is signed in any more: the ways back in. */
const WAYS_IN = /\/api\/(session|share|oauth\/authorize|pairing(\/session)?)$/;

/** The gateway's HTTP API, below the address of the page. */
export class Api {
  /** Called once for every answer that says nobody is signed in. */
  onUnauthorized: () => void = () => {};
  /** Aborted when the person whom answers are for has left. */
  private readonly stay = new AbortController();

  constructor(
    private readonly base: URL,
    private readonly fetcher: Fetch = (input, init) => fetch(input, init),
  ) {}

  /** Gives up what is on its way: it was asked for by somebody who has left. Only signing in is possible from now on. */
  forget(): void {
    this.stay.abort();
  }

  /** The address of `/api/...` here, also when a proxy serves the viewer below a path. */
  url(path: string): string {
    return new URL(path.replace(/^\//, ''), this.base).href;
  }

  get socketPath(): string {
    return new URL('api/socket.io', this.base).pathname;
  }

  get origin(): string {
    return this.base.origin;
  }

  config(): Promise<Config> {
    return this.get('/api/config');
  }

  async signIn(credentials: Credentials): Promise<void> {
    await this.send('POST', '/api/session', credentials);
  }

  async signOut(): Promise<void> {
    await this.send('DELETE', '/api/session');
  }

  /** What the share link of this page is called; `password_required` where it asks for one. */
  share(): Promise<Share> {
    return this.get('/api/share');
  }

  async openShare(password: string): Promise<void> {
    await this.send('POST', '/api/share', { password });
  }

  /** Where the browser goes to sign in with OAuth. */
  async oauthAddress(): Promise<string> {
    return ((await (await this.send('POST', '/api/oauth/authorize')).json()) as { url: string })
      .url;
  }

  /** This device asks to be let in, by digits that it shows. */
  async askToPair(): Promise<Waiting> {
    return (await this.send('POST', '/api/pairing')).json();
  }

  async pairingState(id: string): Promise<PairingState> {
    const answer = await this.send('POST', '/api/pairing/session', { id });
    return ((await answer.json()) as { state: PairingState }).state;
  }

  async deviceShowing(code: string): Promise<Device> {
    return (await this.send('POST', '/api/pairing/look', { code })).json();
  }

  async answerDevice(code: string, id: string, isMine: boolean): Promise<void> {
    await this.send('POST', `/api/pairing/${isMine ? 'confirm' : 'refuse'}`, { code, id });
  }

  async signIns(): Promise<SignIn[]> {
    return (await this.get<{ items: SignIn[] }>('/api/sessions')).items;
  }

  async endSignIn(id: string): Promise<void> {
    await this.send('DELETE', `/api/sessions/${encodeURIComponent(id)}`);
  }

  async signOutEverywhere(): Promise<void> {
    await this.send('DELETE', '/api/sessions');
  }

  integration(): Promise<Integration> {
    return this.get('/api/integrations/immich');
  }

  async beginIntegration(wanted: {
    rules?: RuleWanted[];
    pointer: boolean;
    tag: boolean;
    motion_clips: boolean;
    external_clips: boolean;
  }): Promise<Integration> {
    return (await this.send('POST', '/api/integrations/immich', wanted)).json();
  }

  async endIntegration(undo: boolean): Promise<Integration> {
    return (await this.send('DELETE', `/api/integrations/immich?undo=${undo}`)).json();
  }

  absence(): Promise<StandingKey> {
    return this.get('/api/me/standing-key');
  }

  /** Has Immich make a key for work while nobody is here. */
  async allowAbsence(write_back: boolean): Promise<StandingKey> {
    return (await this.send('POST', '/api/me/standing-key', { write_back })).json();
  }

  async endAbsence(): Promise<StandingKey> {
    return (await this.send('DELETE', '/api/me/standing-key')).json();
  }

  async hooks(): Promise<Hook[]> {
    return (await this.get<{ webhooks: Hook[] }>('/api/webhooks')).webhooks;
  }

  /** The answer alone tells the secret. */
  async addHook(url: string, events: HookEvent[]): Promise<HookMade> {
    return (await this.send('POST', '/api/webhooks', { url, events })).json();
  }

  async deleteHook(id: string): Promise<void> {
    await this.send('DELETE', `/api/webhooks/${encodeURIComponent(id)}`);
  }

  storage(): Promise<Storage> {
    return this.get('/api/storage');
  }

  /** Deletes some of what rules have had made; `left` says how much there is still. */
  async deleteMadeByRules(): Promise<{ deleted: number; left: number }> {
    return (await this.send('DELETE', '/api/integrations/immich/assets')).json();
  }

  /** The id in Immich of the motion clip that a photo has there; null for none. */
  async clipInImmich(id: string): Promise<string | null> {
    return (await this.get<{ clip: string | null }>(clipOf(id))).clip;
  }

  /** external: also where the photo's file is in an external library. */
  async linkClip(id: string, external: boolean): Promise<void> {
    await this.send('PUT', `${clipOf(id)}?external=${external}`);
  }

  async unlinkClip(id: string): Promise<void> {
    await this.send('DELETE', clipOf(id));
  }

  /** Takes all motion clips off one's photos in Immich. */
  async unlinkClips(): Promise<Integration> {
    return (await this.send('DELETE', '/api/integrations/immich/clips')).json();
  }

  rules(): Promise<Rules> {
    return this.get('/api/rules');
  }

  photos(cursor: string | null, limit = 60): Promise<PhotoPage> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (cursor) query.set('cursor', cursor);
    return this.get(`/api/photos?${query}`);
  }

  photo(id: string): Promise<PhotoDetail> {
    return this.get(`/api/photos/${encodeURIComponent(id)}`);
  }

  videos(cursor: string | null, limit = 60): Promise<VideoPage> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (cursor) query.set('cursor', cursor);
    return this.get(`/api/videos?${query}`);
  }

  albums(cursor: string | null): Promise<Page<Album>> {
    return this.get(`/api/albums?${paged(cursor, CARDS)}`);
  }

  album(id: string): Promise<Album> {
    return this.get(`/api/albums/${encodeURIComponent(id)}`);
  }

  people(cursor: string | null): Promise<Page<Person>> {
    return this.get(`/api/people?${paged(cursor, CARDS)}`);
  }

  person(id: string): Promise<Person> {
    return this.get(`/api/people/${encodeURIComponent(id)}`);
  }

  places(cursor: string | null): Promise<Page<Locality>> {
    return this.get(`/api/places?${paged(cursor, CARDS)}`);
  }

  /** What an album has, or a person. */
  itemsOf(of: 'albums' | 'people', id: string, cursor: string | null): Promise<Page<Item>> {
    return this.get(`/api/${of}/${encodeURIComponent(id)}/items?${paged(cursor, TILES)}`);
  }

  itemsOfPlace(city: string, country: string | null, cursor: string | null): Promise<Page<Item>> {
    const where = country ? { city, country } : { city };
    return this.get(`/api/places/items?${paged(cursor, TILES, where)}`);
  }

  /** Favourites of one kind, newest first. */
  favourites(kind: 'photo' | 'video', cursor: string | null): Promise<Page<Item>> {
    return this.get(`/api/${kind}s?${paged(cursor, TILES, { favorite: 'true' })}`);
  }

  async setFavourite(kind: 'photo' | 'video', id: string, favorite: boolean): Promise<void> {
    await this.send('PUT', `/api/${kind}s/${encodeURIComponent(id)}/favorite`, { favorite });
  }

  async memories(day: string): Promise<Memory[]> {
    return (await this.get<{ items: Memory[] }>(`/api/memories?day=${day}`)).items;
  }

  search(q: string, mode: SearchMode, cursor: string | null): Promise<Page<Item>> {
    const how = mode === 'smart' ? { mode } : { mode: 'metadata', field: mode };
    return this.get(`/api/search?${paged(cursor, TILES, { q, ...how })}`);
  }

  /** The months that there are, newest first. */
  async timeline(): Promise<Month[]> {
    return (await this.get<{ months: Month[] }>('/api/timeline')).months;
  }

  month(month: string, cursor: string | null): Promise<Page<Glimpse>> {
    return this.get(`/api/timeline/${month}?${paged(cursor, A_MONTH)}`);
  }

  video(id: string): Promise<VideoDetail> {
    return this.get(`/api/videos/${encodeURIComponent(id)}`);
  }

  /** Asks that something be made of a video or a photo, as `depth` of a video. */
  async makeOf(kind: 'photo' | 'video', id: string, what: string, wish: object): Promise<Job> {
    const path = `/api/${kind}s/${encodeURIComponent(id)}/${what}`;
    return ((await (await this.send('POST', path, wish)).json()) as { job: Job }).job;
  }

  /** What is there already of what a job makes. */
  parts(jobId: string): Promise<Parts> {
    return this.get(`/api/jobs/${encodeURIComponent(jobId)}/parts`);
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

  job(id: string): Promise<Job> {
    return this.get(`/api/jobs/${encodeURIComponent(id)}`);
  }

  makeDepth(id: string, force: boolean, model = 'auto'): Promise<Job> {
    return this.makeOf('photo', id, 'depth', { model, force });
  }

  makeSplat(id: string, force: boolean, model = 'auto', quality: Quality = 'full'): Promise<Job> {
    return this.makeOf('photo', id, 'splat', { model, quality, force });
  }

  convert(id: string, format: string, model: string): Promise<Job> {
    return this.makeOf('photo', id, 'splat/convert', { format, model });
  }

  async cancel(jobId: string): Promise<Job> {
    return (await this.send('DELETE', `/api/jobs/${encodeURIComponent(jobId)}`)).json();
  }

  async retry(jobId: string): Promise<Job> {
    return (await this.send('POST', `/api/jobs/${encodeURIComponent(jobId)}/retry`)).json();
  }

  models(): Promise<ModelList> {
    return this.get('/api/models');
  }

  model(key: string): Promise<ModelDetails> {
    return this.get(`/api/models/${encodeURIComponent(key)}`);
  }

  async acceptLicence(key: string, licence: string): Promise<void> {
    await this.send('POST', `/api/models/${encodeURIComponent(key)}/accept`, { licence });
  }

  async manageModel(key: string, deed: ModelDeed): Promise<void> {
    const path = `/api/models/${encodeURIComponent(key)}`;
    if (deed === 'delete') await this.send('DELETE', path);
    else await this.send('POST', `${path}/${deed}`);
  }

  /** Another one for every version, so that a changed picture is seen. */
  thumbnailUrl({ thumbnail, version }: Pick<Photo, 'thumbnail' | 'version'>): string {
    return this.url(`${thumbnail}?v=${encodeURIComponent(version)}`);
  }

  previewUrl(id: string): string {
    return this.url(`/api/photos/${encodeURIComponent(id)}/preview`);
  }

  /** Reads a file of facts. */
  facts(path: string): Promise<unknown> {
    return this.get(path);
  }

  /** Reads a whole file; `onBytes` is told how far it is (total 0 where the length is unknown). */
  async bytes(path: string, onBytes: OnBytes, signal: AbortSignal): Promise<Uint8Array> {
    const response = await this.request(this.url(path), { signal });
    return this.unlessLeft(() => readAll(response, onBytes));
  }

  private async get<T>(path: string): Promise<T> {
    const response = await this.request(this.url(path), {
      headers: { accept: 'application/json' },
    });
    return this.unlessLeft(() => response.json());
  }

  private send(method: string, path: string, body?: object): Promise<Response> {
    const init: RequestInit = { method, headers: { accept: 'application/json' } };
    if (body) {
      init.headers = { ...init.headers, 'content-type': 'application/json' };
      init.body = JSON.stringify(body);
    }
    return this.request(this.url(path), init);
  }

  private async request(url: string, init: RequestInit): Promise<Response> {
    const isSignIn = WAYS_IN.test(url);
    const signal = isSignIn ? null : this.whilePresent(init.signal);
    let response: Response;
    try {
      response = await this.fetcher(url, { credentials: 'same-origin', ...init, signal });
    } catch (error) {
      if (!isSignIn && this.stay.signal.aborted) throw new ApiError('unauthorized', 401);
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new ApiError('offline', 0);
    }
    if (response.ok) return response;
    const failure = await asError(response);
    if (failure.code === 'unauthorized' && !isSignIn) this.onUnauthorized();
    throw failure;
  }

  private whilePresent(signal: AbortSignal | null | undefined): AbortSignal {
    return signal ? either(signal, this.stay.signal) : this.stay.signal;
  }

  /** An answer that arrives after its person has left is nobody's. */
  private async unlessLeft<T>(read: () => Promise<T>): Promise<T> {
    const left = new ApiError('unauthorized', 401);
    try {
      const answer = await read();
      if (this.stay.signal.aborted) throw left;
      return answer;
    } catch (error) {
      throw this.stay.signal.aborted ? left : error;
    }
  }
}

/** What `AbortSignal.any` does, also in browsers of before 2024. */
function either(...signals: AbortSignal[]): AbortSignal {
  const one = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) one.abort(signal.reason);
    const follow = () => one.abort(signal.reason);
    signal.addEventListener('abort', follow, { signal: one.signal });
  }
  return one.signal;
}

async function readAll(response: Response, onBytes: OnBytes): Promise<Uint8Array> {
  const total = Number(response.headers.get('content-length')) || 0;
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let received = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    received += part.value.length;
    onBytes(received, total);
  }
  return joined(chunks, received);
}

async function asError(response: Response): Promise<ApiError> {
  const problem: Problem = await response.json().catch(() => ({}));
  return new ApiError(problem.code ?? codeOfStatus(response.status), response.status, problem);
}

function codeOfStatus(status: number): string {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 429) return 'too_many_requests';
  return status >= 502 && status <= 504 ? 'unavailable' : 'internal';
}

function joined(chunks: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const clipOf = (id: string): string => `/api/integrations/immich/clips/${encodeURIComponent(id)}`;
