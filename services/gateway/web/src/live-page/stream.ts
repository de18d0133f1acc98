import {
  ack,
  capture,
  frame,
  hello,
  isResult,
  type Output,
  type Picture,
  type Ready,
  type Result,
  read,
  type Trouble,
  type Wishes,
} from './protocol';
import { PASSING, RETRY_MS } from './retrying';

/** As much of a WebSocket as a session needs. */
export interface Socket {
  binaryType: string;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export type State = 'closed' | 'connecting' | 'waiting' | 'live';

export interface StreamEvents {
  state(state: State): void;
  ready(ready: Ready): void;
  result(result: Result, bytes: number): void;
  trouble(trouble: Trouble): void;
}

/**
 * Frames that may be unanswered: one that the model works on, and the one after it, which is
 * decoded meanwhile. More would only wait, and be thrown away for newer ones.
 */
const IN_FLIGHT = 2;
/** Frames unanswered for so long are given up. */
const ANSWER_MS = 8000;
const RETRIES = 5;

/** One live session after the other, until it is stopped. */
export class LiveStream {
  private socket: Socket | null = null;
  private wishes: Wishes | null = null;
  private current: State = 'closed';
  private readonly inFlight = new Map<number, number>();
  private seq = 0;
  private failures = 0;
  private final: Trouble | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly open: () => Socket,
    private readonly events: StreamEvents,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get state(): State {
    return this.current;
  }

  /** Whether a frame sent now would be looked at soon. */
  get isFree(): boolean {
    if (this.current !== 'live') return false;
    const expired = this.now() - ANSWER_MS;
    for (const [seq, at] of this.inFlight) if (at < expired) this.inFlight.delete(seq);
    return this.inFlight.size < IN_FLIGHT;
  }

  start(wishes: Wishes): void {
    this.stop();
    this.wishes = wishes;
    this.failures = 0;
    this.connect();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.wishes = null;
    this.drop();
    this.become('closed');
  }

  send(picture: Picture, output?: Output): void {
    if (!this.socket || this.current !== 'live') return;
    const seq = this.nextSeq();
    const now = this.now();
    this.inFlight.set(seq, now);
    this.socket.send(frame(seq, now, picture, output));
  }

  /** Asks for a splat of full quality of this picture. */
  capture(picture: Picture): void {
    if (this.current === 'live') this.socket?.send(capture(this.nextSeq(), this.now(), picture));
  }

  private nextSeq(): number {
    this.seq += 1;
    return this.seq;
  }

  private connect(): void {
    const socket = this.open();
    this.socket = socket;
    this.final = null;
    this.inFlight.clear();
    this.become('connecting');
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      if (this.wishes) socket.send(hello(this.wishes));
      this.become('waiting');
    };
    socket.onmessage = (event) => this.hear(event.data as ArrayBuffer);
    socket.onclose = () => this.closed();
  }

  private hear(data: ArrayBuffer): void {
    const message = read(data);
    if (isResult(message)) {
      this.failures = 0;
      // At once: by the time the next result is here, this one has been drawn.
      if (message.type !== 'capture') {
        this.answered(message.seq);
        this.socket?.send(ack(message.seq));
      }
      this.events.result(message, data.byteLength);
    } else if (message.type === 'ready') {
      this.become('live');
      this.events.ready(message);
    } else {
      if (message.seq === undefined) this.final = message;
      else this.answered(message.seq);
      if (!PASSING.has(message.code)) this.events.trouble(message);
    }
  }

  /** A newer frame's answer is one for all before it: they gave way to it. */
  private answered(seq: number): void {
    for (const sent of this.inFlight.keys()) if (sent <= seq) this.inFlight.delete(sent);
  }

  private closed(): void {
    this.drop();
    if (!this.wishes) return;
    const passing = !this.final || PASSING.has(this.final.code);
    if (passing && this.failures < RETRIES) {
      this.failures += 1;
      this.become('connecting');
      this.timer = setTimeout(() => this.connect(), RETRY_MS * this.failures);
      return;
    }
    if (passing) {
      const trouble = this.final ?? { type: 'error', code: 'offline', message: '' };
      this.events.trouble(trouble as Trouble);
    }
    this.wishes = null;
    this.become('closed');
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  private become(state: State): void {
    if (state === this.current) return;
    this.current = state;
    this.events.state(state);
  }
}
