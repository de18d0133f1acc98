import type { Socket } from 'socket.io-client';
import type { Api } from './api/client';
import { ApiError } from './api/client';
import type { Asset, Job, LibraryNews, ModelNews } from './api/schema';
import type { Store } from './store';

const POLL_WHILE_DOWN_MS = 1500;
const REFUSED_AGAIN_MS = 5000;
/** A running job that stays silent this long is asked about even while events arrive. */
const SILENCE_MS = 10_000;

/** What is new of, or gone from, what was made of a source; photo_id: '' where that is no photo. */
interface AssetNews {
  photo_id: string;
  source?: { kind: string; id: string };
  asset?: Asset;
}

/** Keeps the store up to date: events while the socket is up, polling of running jobs while not. */
export class Live {
  private socket: Socket | null = null;
  /** What ends once nobody listens any more; null until somebody does. */
  private listening: AbortController | null = null;
  private timer = 0;
  /** Up to where in the gateway's news everything was heard. */
  private at = '';
  private readonly heard = new Map<string, number>();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly onSessionEnded: () => void,
  ) {
    store.on('job', (job) => this.heard.set(job.id, Date.now()));
  }

  /** Polls at once; events come as soon as what receives them, no part of the first load, is here. */
  start(): void {
    if (this.listening) return;
    this.listening = new AbortController();
    this.timer = window.setInterval(() => void this.poll(), POLL_WHILE_DOWN_MS);
    void this.connect(this.listening.signal);
  }

  stop(): void {
    window.clearInterval(this.timer);
    this.listening?.abort();
    this.listening = null;
    this.socket?.disconnect();
    this.socket = null;
    this.store.setConnected(false);
  }

  private async connect(signal: AbortSignal): Promise<void> {
    const { io } = await import('socket.io-client');
    if (signal.aborted) return;
    const socket = io(this.api.origin, {
      path: this.api.socketPath,
      transports: ['websocket'],
      withCredentials: true,
      reconnectionDelay: 1000,
      reconnectionDelayMax: 8000,
      auth: (tell) => tell(this.at ? { since: this.at } : {}),
    });
    let connectedBefore = false;
    socket.on('connect', () => {
      this.store.setConnected(true);
      // The gateway tells what was missed, but for photos that came and went.
      if (this.at) this.store.rereadLibrary();
      else if (connectedBefore) void this.catchUp(() => this.store.resync());
      connectedBefore = true;
    });
    socket.on('disconnect', (reason) => {
      this.store.setConnected(false);
      // Socket.IO leaves it to us to come back after the server closed the connection.
      if (reason === 'io server disconnect' && this.socket === socket) socket.connect();
    });
    socket.on('connect_error', (error) => {
      if (error.message === 'unauthorized') this.onSessionEnded();
      // Refused for now, as while the library is away: this too is left to us.
      else if (!socket.active) window.setTimeout(() => this.again(socket), REFUSED_AGAIN_MS);
    });
    socket.on('session:ended', ({ code }: { code: string }) => {
      if (code === 'unauthorized') this.onSessionEnded();
    });
    socket.on('news:at', ({ id }: { id: string }) => {
      this.at = id;
    });
    socket.on('news:reload', () => void this.catchUp(() => this.store.resync()));
    socket.on('job:update', (job: Job) => this.store.applyJob(job));
    socket.on('asset:created', ({ photo_id, source, asset }: AssetNews) => {
      if (source?.kind === 'video') this.store.applyVideo(source.id);
      if (photo_id === '') return; // of a source that has no page of photos here
      if (asset) this.store.applyAsset(photo_id, asset);
      else this.store.readAgain(photo_id);
    });
    socket.on('asset:deleted', ({ photo_id, source }: AssetNews) => {
      if (source?.kind === 'video') this.store.applyVideo(source.id);
      // A photo that cannot be read now shows what it has when it is opened.
      this.store.dropAsset(photo_id).catch(() => {});
    });
    socket.on('library:changed', (news: LibraryNews) => {
      this.store.applyLibrary(news);
      if (!news.more) return;
      this.store.videosChanged();
      this.store.rereadLibrary();
    });
    socket.on('model:progress', (news: ModelNews) => this.store.applyModel(news));
    this.socket = socket;
  }

  private again(socket: Socket): void {
    if (this.socket === socket) socket.connect();
  }

  private async catchUp(read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      // The next reconnection or poll tries again.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private async poll(): Promise<void> {
    if (document.hidden) return;
    const quietSince = Date.now() - (this.store.connected ? SILENCE_MS : 0);
    for (const job of this.store.activeJobs()) {
      if ((this.heard.get(job.id) ?? 0) > quietSince) continue;
      this.heard.set(job.id, Date.now());
      try {
        this.store.applyJob(await this.api.job(job.id));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.code === 'offline') return;
      }
    }
  }
}
