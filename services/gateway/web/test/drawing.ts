import { decode, encode } from '@msgpack/msgpack';
import type { Socket } from '../src/live-page/stream';

/** A socket to a worker that draws: what was sent to it, and a way to answer. */
export function socketOf() {
  const sent: Record<string, unknown>[] = [];
  const socket: Socket = {
    binaryType: '',
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (data) => sent.push(decode(data) as Record<string, unknown>),
    close: () => {},
  };
  const say = (message: object) => {
    const { buffer, byteOffset, byteLength } = encode(message);
    const data = buffer.slice(byteOffset, byteOffset + byteLength);
    socket.onmessage?.({ data } as MessageEvent);
  };
  return { socket, sent, say };
}

export const ready = { type: 'ready', renderer: 'cpu', gaussians: 5, focus: 2, nearest: 1 };
export const picture = (seq: number) => ({
  type: 'picture',
  seq,
  t: 0,
  data: new Uint8Array(3),
  timings: {},
});
