import type { Api, OnBytes } from '../api/client';

interface Coming {
  url: string;
  /** null: it did not come, and is fetched again, and told of, by whoever asks for it. */
  bytes: Promise<Uint8Array | null>;
  tell: OnBytes;
  end: AbortController;
}

/** A file that is fetched before it is asked for, while something else is made ready. */
export class Ahead {
  private coming: Coming | null = null;

  constructor(private readonly api: Api) {}

  begin(url: string, signal: AbortSignal): void {
    this.forget();
    const end = new AbortController();
    const tell: OnBytes = (...so) => coming.tell(...so);
    const bytes = this.api.bytes(url, tell, AbortSignal.any([signal, end.signal]));
    const coming: Coming = { url, bytes: bytes.catch(() => null), tell: () => {}, end };
    this.coming = coming;
  }

  get isUnderWay(): boolean {
    return this.coming !== null;
  }

  /** As `Api.bytes`; what is on its way already is handed out once, and another file's is given up. */
  async bytes(...[url, onBytes, signal]: Parameters<Api['bytes']>): Promise<Uint8Array> {
    const { coming } = this;
    if (coming?.url !== url) this.forget();
    else {
      this.coming = null;
      const bytes = await handedOn(coming, onBytes, signal);
      if (bytes) return bytes;
    }
    return this.api.bytes(url, onBytes, signal);
  }

  forget(): void {
    this.coming?.end.abort();
    this.coming = null;
  }
}

async function handedOn(
  coming: Coming,
  onBytes: OnBytes,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  const stop = () => coming.end.abort();
  coming.tell = onBytes;
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const bytes = await coming.bytes;
  signal.removeEventListener('abort', stop);
  if (bytes) onBytes(bytes.length, bytes.length);
  return bytes;
}
