import type { Anchor } from '../grid/sheet';

const KEY = 'immichvr.looked';
/** Lists of which it is remembered what was looked at. */
const MOST = 30;

interface List {
  comeBackTo(anchor: Anchor): void | Promise<void>;
}

/** What was looked at in each list: to come back to, also after the page is loaded anew. */
export class Looked {
  private readonly anchors: Map<string, Anchor>;
  private isOver = false;

  /** now: which list is shown, and what is looked at there. */
  constructor(private readonly now: () => [list: string, anchor: Anchor | null]) {
    this.anchors = new Map(read());
    window.addEventListener('pagehide', () => {
      if (this.isOver) return;
      this.keep(this.now()[0]);
      sessionStorage.setItem(KEY, JSON.stringify([...this.anchors]));
    });
  }

  /** Remembers what is looked at, as that of this list. */
  keep(list: string): void {
    const [, anchor] = this.now();
    this.anchors.delete(list);
    if (anchor) this.anchors.set(list, anchor);
    const [oldest] = this.anchors.keys();
    if (this.anchors.size > MOST && oldest) this.anchors.delete(oldest);
  }

  /** What is shown from now on is not what was looked at. */
  stop(): void {
    this.isOver = true;
  }

  forget(): void {
    this.stop();
    this.anchors.clear();
    sessionStorage.removeItem(KEY);
  }

  /** Shows in a list what was looked at there last. */
  restore(name: string, list: List): void {
    const anchor = this.anchors.get(name);
    if (anchor) void list.comeBackTo(anchor);
    this.anchors.delete(name);
  }
}

function read(): [string, Anchor][] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept : [];
  } catch {
    return []; // somebody else's
  }
}
