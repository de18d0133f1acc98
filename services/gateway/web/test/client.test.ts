import { describe, expect, it } from 'vitest';
import { Api, ApiError } from '../src/api/client';

function apiAnswering(...answers: (Response | Error)[]) {
  const calls: { url: string; init: RequestInit | undefined }[] = [];
  const api = new Api(new URL('https://host.example/sub/path/'), async (url, init) => {
    calls.push({ url, init });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? new Response('{}');
  });
  return { api, calls };
}

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ApiError) return error;
  }
  throw new Error('did not fail');
}

describe('Api', () => {
  it('finds the gateway below the path of a reverse proxy', async () => {
    const { api, calls } = apiAnswering(json({ items: [], next_cursor: null }));
    await api.photos('c=1');
    expect(calls[0]?.url).toBe('https://host.example/sub/path/api/photos?limit=60&cursor=c%3D1');
    expect(api.url('/api/photos/a/thumbnail')).toBe(
      'https://host.example/sub/path/api/photos/a/thumbnail',
    );
    expect(api.socketPath).toBe('/sub/path/api/socket.io');
  });

  it('asks for a splat with model, quality and force', async () => {
    const { api, calls } = apiAnswering(json({ job: { id: 'j' } }, 202));
    const wish = { model: 'sharp', quality: 'light', force: true } as const;
    expect((await api.makeOf('photo', 'a', 'splat', wish)).id).toBe('j');
    expect(calls[0]?.url).toBe('https://host.example/sub/path/api/photos/a/splat');
    expect(calls[0]?.init?.method).toBe('POST');
    expect(JSON.parse(String(calls[0]?.init?.body))).toEqual(wish);
  });

  it('turns problem details into an error with code and facts', async () => {
    const { api } = apiAnswering(json({ code: 'invalid_model', accepted: ['auto'] }, 422));
    const error = await failure(api.makeOf('photo', 'a', 'depth', { model: 'none', force: false }));
    expect(error.code).toBe('invalid_model');
    expect(error.problem.accepted).toEqual(['auto']);
  });

  it('understands a proxy that answers for a gateway that is down', async () => {
    const { api } = apiAnswering(new Response('<html>Bad gateway</html>', { status: 502 }));
    expect((await failure(api.photo('a'))).code).toBe('unavailable');
  });

  it('says offline where nothing answers', async () => {
    const { api } = apiAnswering(new TypeError('Failed to fetch'));
    expect((await failure(api.config())).code).toBe('offline');
  });

  it('calls for a sign-in when the session is over, but not when signing in fails', async () => {
    const { api } = apiAnswering(json({}, 401), json({}, 401));
    let asked = 0;
    api.onUnauthorized = () => {
      asked += 1;
    };
    await failure(api.signIn({ token: 'x' }));
    expect(asked).toBe(0);
    await failure(api.photo('a'));
    expect(asked).toBe(1);
  });

  it('gives up what is on its way when its person has left, and still signs the next one in', async () => {
    const asked: string[] = [];
    const api = new Api(new URL('http://gateway.test/'), (url, init) => {
      asked.push(url);
      if (url.endsWith('/api/session')) return Promise.resolve(new Response(null, { status: 204 }));
      return new Promise((_, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
      });
    });
    const waiting = failure(api.photo('a'));
    api.forget();
    expect((await waiting).code).toBe('unauthorized');
    await api.signIn({ token: 'x' });
    expect(asked).toHaveLength(2);
  });

  it("an answer that comes after its person has left is nobody's", async () => {
    const { api } = apiAnswering(json({ id: 'a' }));
    const reading = failure(api.photo('a'));
    api.forget();
    expect((await reading).code).toBe('unauthorized');
  });

  it('reads a file in parts and tells how far it is', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array([1, 2]));
        controller.enqueue(new Uint8Array([3]));
        controller.close();
      },
    });
    const { api } = apiAnswering(new Response(body, { headers: { 'content-length': '3' } }));
    const seen: [number, number][] = [];
    const bytes = await api.bytes(
      '/api/x',
      (r, t) => seen.push([r, t]),
      new AbortController().signal,
    );
    expect([...bytes]).toEqual([1, 2, 3]);
    expect(seen).toEqual([
      [2, 3],
      [3, 3],
    ]);
  });
});
