import type { Api } from '../api/client';

/** A file that is fetched before it is asked for, while something else is made ready. */
export class Ahead {
  private coming: { url: string; bytes: Promise<Uint8Array> } | null = null;

  constructor(private readonly api: Api) {}

  begin(url: string, signal: AbortSignal): void {
    const bytes = this.api.bytes(url, () => {}, signal);
    // What does not come is fetched again, and told of, by whoever asks for it.
    bytes.catch(() => {});
    this.coming = { url, bytes };
  }

  get isUnderWay(): boolean {
    return this.coming !== null;
  }

  /** As `Api.bytes`; what is on its way already is handed out once. */
  async bytes(...[url, onBytes, signal]: Parameters<Api['bytes']>): Promise<Uint8Array> {
    const coming = this.coming;
    if (coming?.url === url) {
      this.coming = null;
      const bytes = await coming.bytes.catch(() => null);
      if (bytes) onBytes(bytes.length, bytes.length);
      if (bytes) return bytes;
    }
    return this.api.bytes(url, onBytes, signal);
  }

  forget(): void {
    this.coming = null;
  }
}
