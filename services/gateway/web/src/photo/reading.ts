import { ApiError } from '../api/client';
import type { PhotoDetail } from '../api/schema';
import type { Store } from '../store';

const SOON_MS = 150;
const AGAIN_MS = 3000;

interface ReadingEvents {
  read(detail: PhotoDetail): void;
  /** It cannot be read, and somebody waits for it. */
  failed(error: ApiError): void;
}

/** Reads the photo that is open, and reads it anew when there may be more to know of it. */
export class Reading {
  private timer = 0;
  private under = 0;

  constructor(
    private readonly store: Store,
    /** The photo that is open. */
    private readonly open: () => string | null,
    private readonly events: ReadingEvents,
  ) {}

  /** Whether an answer is on its way: it may be older than what is told meanwhile. */
  get isUnderWay(): boolean {
    return this.under > 0;
  }

  /** What goes wrong in the background is tried again without a word. */
  async now(inBackground = false): Promise<void> {
    const id = this.open();
    if (!id) return;
    this.under += 1;
    try {
      const detail = await this.store.openPhoto(id);
      if (id === this.open()) this.events.read(detail);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (id !== this.open() || error.code === 'unauthorized') return;
      if (inBackground) this.soon(AGAIN_MS);
      else this.events.failed(error);
    } finally {
      this.under -= 1;
    }
  }

  /** Results often come several at once: one reading serves them all. */
  soon(delay = SOON_MS): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.now(true), delay);
  }

  stop(): void {
    window.clearTimeout(this.timer);
  }
}
