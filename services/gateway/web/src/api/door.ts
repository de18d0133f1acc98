import type { Problem } from './schema';

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

/** What may be asked when nobody is signed in any more: the ways back in. */
const WAYS_IN = /\/api\/(session|share|oauth\/authorize|pairing(\/(session|invitation\/look))?)$/;

/** The way to the gateway, below the address of the page: requests, their failures, and whom answers are for. */
export class Door {
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

  /** Reads a file of facts. */
  facts(path: string): Promise<unknown> {
    return this.get(path);
  }

  /** Reads a whole file; `onBytes` is told how far it is (total 0 where the length is unknown). */
  async bytes(path: string, onBytes: OnBytes, signal: AbortSignal): Promise<Uint8Array> {
    const response = await this.send('GET', path, undefined, { signal });
    return this.unlessLeft(() => readAll(response, onBytes));
  }

  /** The first bytes of a file, at most so many. */
  beginning(path: string, most: number, signal: AbortSignal): Promise<Uint8Array> {
    return this.part(path, 0, most, signal);
  }

  /** Bytes of a file from `start` on, at most so many. Throws where a server that knows no ranges would begin anew. */
  async part(path: string, start: number, most: number, signal: AbortSignal): Promise<Uint8Array> {
    const range = `bytes=${start}-${start + most - 1}`;
    const response = await this.send('GET', path, undefined, { signal, headers: { range } });
    return this.unlessLeft(async () => {
      const reader = response.body?.getReader();
      if (start > 0 && response.status !== 206) {
        await reader?.cancel();
        throw new ApiError('range_not_satisfiable', response.status);
      }
      const chunks: Uint8Array[] = [];
      let length = 0;
      while (reader && length < most) {
        const { done, value } = await reader.read();
        if (done) break;
        chunks.push(value);
        length += value.length;
      }
      // A server that knows no ranges would go on.
      await reader?.cancel();
      return joined(chunks, length).subarray(0, most);
    });
  }

  protected async get<T>(path: string): Promise<T> {
    const response = await this.send('GET', path);
    return this.unlessLeft(() => response.json());
  }

  /** Asks for something, with a body of JSON where there is one; throws for every answer that is no success. */
  protected async send(
    method: string,
    path: string,
    body?: object,
    how: { signal?: AbortSignal; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const url = this.url(path);
    const isSignIn = WAYS_IN.test(url);
    const headers: Record<string, string> = { accept: 'application/json', ...how.headers };
    if (body) headers['content-type'] = 'application/json';
    let response: Response;
    try {
      response = await this.fetcher(url, {
        method,
        headers,
        body: body ? JSON.stringify(body) : null,
        credentials: 'same-origin',
        signal: isSignIn ? null : this.whilePresent(how.signal),
      });
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

  private whilePresent(signal?: AbortSignal): AbortSignal {
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

// biome-ignore lint/suspicious/noExplicitAny: what TypeScript asks of a class that others are made of
export type DoorClass = new (...args: any[]) => Door;

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
