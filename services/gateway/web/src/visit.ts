/** What one tab of this browser tells the others: somebody's session is over, or one has begun. */
type Word = 'ended' | 'begun';

interface Page {
  /** Lets go of everything that belongs to the person who was here; leaves what asks to sign in. */
  clear(): void;
  /** Forgets where they were, which leads them back only as long as they stay. */
  forget?(): void;
  /** Nothing is left: asks who is next. */
  ask(): void;
}

/**
 * One person's stay on this page. What was loaded for them goes when their session ends, here or in another tab, and
 * whoever signs in next gets a new document, so that no cache, address, timer or answer still on its way reaches them.
 */
export class Visit {
  private readonly channel: BroadcastChannel;
  private isHeld = false;
  private isOver = false;

  constructor(private readonly page: Page) {
    // Another gateway may be served below another path of the same origin.
    this.channel = new BroadcastChannel(`immichvr ${new URL('.', document.baseURI).pathname}`);
    this.channel.addEventListener('message', ({ data }: MessageEvent<Word>) => {
      if (data === 'begun') this.startOver();
      else if (this.isHeld) this.end();
    });
    // A page that the browser keeps to go back to may come back when somebody else sits there.
    window.addEventListener('pagehide', (event) => {
      if (event.persisted) this.page.clear();
    });
    window.addEventListener('pageshow', (event) => {
      if (event.persisted) location.reload();
    });
  }

  /** From now on the page shows what is somebody's. */
  hold(): void {
    this.isHeld = true;
  }

  /** The session is over, as the server says or because of a sign-out here. */
  ended(): void {
    if (this.isHeld && !this.isOver) this.channel.postMessage('ended' satisfies Word);
    this.end();
  }

  /** Somebody has signed in on this page. True where it may be gone on with; else a new one is on its way. */
  begun(): boolean {
    this.channel.postMessage('begun' satisfies Word);
    if (!this.isOver) return true;
    this.startOver();
    return false;
  }

  private end(): void {
    if (this.isHeld && !this.isOver) {
      this.isOver = true;
      this.page.forget?.();
      this.page.clear();
      history.replaceState(null, '', location.pathname + location.search);
    }
    this.page.ask();
  }

  private startOver(): void {
    this.isOver = true;
    this.page.forget?.();
    this.page.clear();
    history.replaceState(null, '', location.pathname + location.search);
    location.reload();
  }
}
