import type { Socket } from '../live-page/stream';
import {
  ack,
  hello,
  type Picture,
  type Pose,
  posed,
  type Ready,
  read,
  type Wanted,
} from './protocol';

export interface StreamEvents {
  ready(ready: Ready): void;
  /** lean: as it was said when the picture was asked for. */
  picture(picture: Picture, bytes: number, lean: number): void;
  /** It is over: why, in the words of the protocol's codes. */
  over(code: string): void;
}

/** Poses that may be unanswered: one that is drawn, and the one after it. */
const IN_FLIGHT = 2;

/** One session in which the server draws a splat. */
export class RemoteStream {
  private isReady = false;
  private seq = 0;
  private answered = 0;
  private waiting: { pose: Pose; lean: number } | null = null;
  private readonly leans = new Map<number, number>();
  private lastCode = '';

  constructor(
    private readonly socket: Socket,
    wanted: Wanted,
    private readonly events: StreamEvents,
    private readonly now: () => number = () => performance.now(),
  ) {
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => socket.send(hello(wanted));
    socket.onmessage = (event) => this.hear(event.data as ArrayBuffer);
    socket.onclose = () => events.over(this.lastCode || 'offline');
  }

  /** Asks for a picture; one that waits to be asked for gives way. lean: how far from rest that is. */
  ask(pose: Pose, lean: number): void {
    if (!this.isReady || this.seq - this.answered >= IN_FLIGHT) {
      this.waiting = { pose, lean };
      return;
    }
    this.waiting = null;
    this.seq += 1;
    this.leans.set(this.seq, lean);
    this.socket.send(posed(this.seq, this.now(), pose));
  }

  close(): void {
    this.socket.onopen = null;
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
  }

  private hear(data: ArrayBuffer): void {
    const message = read(data);
    if (message.type === 'ready') {
      this.isReady = true;
      this.events.ready(message);
    } else if (message.type === 'error') {
      if (message.seq === undefined) this.lastCode = message.code;
      else this.answeredTo(message.seq);
    } else {
      this.socket.send(ack(message.seq));
      this.answeredTo(message.seq);
      this.events.picture(message, data.byteLength, this.leans.get(message.seq) ?? 0);
    }
    if (this.waiting) this.ask(this.waiting.pose, this.waiting.lean);
  }

  /** A newer pose's answer is one for all before it: they gave way to it. */
  private answeredTo(seq: number): void {
    this.answered = Math.max(this.answered, seq);
    // The last one's may come again, in full size.
    for (const one of this.leans.keys()) if (one < seq) this.leans.delete(one);
  }
}
