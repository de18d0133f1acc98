import type { Api } from '../api/client';
import { bestAsset, isRough } from '../photo/modes';
import { levelsFor } from './levels';

/** Two beside what is shown, and what was shown before. */
const KEPT = 3;

interface Prepared {
  splats: { url: string; bytes: Promise<Uint8Array> } | null;
}

/** Has what lies beside a photo ready: its picture, and its lightest splats. */
export class Ahead {
  private readonly kept = new Map<string, Prepared>();
  private readonly abort = new AbortController();

  constructor(private readonly api: Api) {}

  /** Prepares photos, the one that is wanted most first; one after the other, so that they do not hold up one another. */
  async prepare(ids: string[]): Promise<void> {
    for (const id of ids) {
      if (this.abort.signal.aborted) return;
      if (this.kept.has(id)) continue;
      const one: Prepared = { splats: null };
      this.keep(id, one);
      new Image().src = this.api.previewUrl(id);
      try {
        const { assets } = await this.api.photo(id);
        const asset = bestAsset(assets, 'splat');
        const [lightest] = asset && !isRough(asset) ? levelsFor(asset.files, 0, 'light') : [];
        if (!lightest) continue;
        const bytes = this.api.bytes(lightest.url, () => {}, this.abort.signal);
        one.splats = { url: lightest.url, bytes };
        await bytes;
      } catch {
        // It is read again when it is shown, and what is wrong is said then.
        this.kept.delete(id);
      }
    }
  }

  /** The bytes of a file, ready or not. */
  async bytes(id: string, url: string, signal: AbortSignal): Promise<Uint8Array> {
    const ready = this.kept.get(id)?.splats;
    if (ready?.url === url) {
      try {
        // Decoding takes a buffer away from whoever gave it.
        return (await ready.bytes).slice();
      } catch {
        this.kept.delete(id);
      }
    }
    return this.api.bytes(url, () => {}, signal);
  }

  dispose(): void {
    this.abort.abort();
    this.kept.clear();
  }

  private keep(id: string, one: Prepared): void {
    this.kept.set(id, one);
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT && oldest !== undefined) this.kept.delete(oldest);
  }
}
