import type { Api } from '../api/client';
import type { Parts, RgbdLayout } from '../api/schema';
import { asLayout } from './assets';

type Source = MediaSource & { readyState: string };
interface SourceClass {
  new (): Source;
  isTypeSupported(type: string): boolean;
}

/** What plays films piece by piece here: on iPhones there is only the managed one. */
const sourceClass = (): SourceClass | null =>
  (window as { ManagedMediaSource?: SourceClass }).ManagedMediaSource ?? window.MediaSource ?? null;

/** A film that is watched while it is made: its parts are read as they come, and given to a `<video>`. */
export class PartsFeed {
  readonly film = document.createElement('video');
  layout: RgbdLayout | null = null;
  /** Up to where the film can be watched, in seconds. */
  reach = 0;
  private readonly source: Source | null;
  private readonly abort = new AbortController();
  private readonly address: string;
  private buffer: SourceBuffer | null = null;
  private taken = 0;
  private reading = false;

  constructor(
    private readonly api: Api,
    private readonly jobId: string,
    private readonly onMore: () => void,
  ) {
    const Class = sourceClass();
    this.source = Class ? new Class() : null;
    this.address = this.source ? URL.createObjectURL(this.source) : '';
    // Without this, iPhones do not play what is put together here.
    this.film.disableRemotePlayback = true;
    this.film.src = this.address;
  }

  /** Takes in what is new. What goes wrong here only leaves the film to be watched when it is done. */
  async read(): Promise<void> {
    if (this.reading || !this.source || this.abort.signal.aborted) return;
    this.reading = true;
    try {
      await this.takeIn(await this.api.parts(this.jobId));
    } catch {
      // Another reading tries again.
    } finally {
      this.reading = false;
    }
  }

  close(): void {
    this.abort.abort();
    this.film.removeAttribute('src');
    this.film.load();
    URL.revokeObjectURL(this.address);
  }

  private async takeIn({ items, rgbd }: Parts): Promise<void> {
    const { signal } = this.abort;
    const layout = asLayout(rgbd);
    for (const part of items.slice(this.taken)) {
      const bytes = await this.api.bytes(part.url, () => {}, signal);
      if (signal.aborted) return;
      this.buffer ??= await this.open(bytes);
      await append(this.buffer, bytes);
      this.taken += 1;
      this.layout = layout;
      this.reach = Math.max(this.reach, part.to_s);
      if (this.reach > 0 && layout) this.onMore();
    }
  }

  private async open(head: Uint8Array): Promise<SourceBuffer> {
    const source = this.source as Source;
    if (source.readyState !== 'open')
      await new Promise((opened) => source.addEventListener('sourceopen', opened, { once: true }));
    return source.addSourceBuffer(mediaType(head));
  }
}

async function append(buffer: SourceBuffer, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    buffer.addEventListener('updateend', () => resolve(), { once: true });
    buffer.addEventListener('error', () => reject(new Error('a part does not play')), {
      once: true,
    });
    buffer.appendBuffer(bytes as BufferSource);
  });
}

/** The media type of a film that begins so: H.264 as its head describes it, and sound where there is some. */
export function mediaType(head: Uint8Array): string {
  const at = find(head, 'avcC');
  if (at < 0) throw new Error('the film is not H.264');
  // After its name and its version: profile, constraints, level.
  const profile = [...head.slice(at + 5, at + 8)];
  const codecs = [`avc1.${profile.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`];
  if (find(head, 'mp4a') >= 0) codecs.push(soundOf(head));
  if (find(head, 'Opus') >= 0) codecs.push('opus');
  return `video/mp4; codecs="${codecs.join(', ')}"`;
}

/** AAC, unless its description says that it is something else, as MP3. ISO/IEC 14496-1, 7.2.6.6. */
function soundOf(head: Uint8Array): string {
  let at = find(head, 'esds') + 8;
  const skip = (tag: number) => {
    if (head[at] !== tag) return false;
    at += 1;
    while ((head[at] ?? 0) & 0x80) at += 1;
    at += 1;
    return true;
  };
  if (!skip(0x03)) return 'mp4a.40.2';
  at += 3;
  if (!skip(0x04)) return 'mp4a.40.2';
  const type = (head[at] ?? 0).toString(16);
  return type === '40' ? 'mp4a.40.2' : `mp4a.${type}`;
}

function find(bytes: Uint8Array, name: string): number {
  const wanted = [...name].map((letter) => letter.charCodeAt(0));
  for (let i = 0; i + wanted.length <= bytes.length; i += 1)
    if (wanted.every((byte, k) => bytes[i + k] === byte)) return i;
  return -1;
}
