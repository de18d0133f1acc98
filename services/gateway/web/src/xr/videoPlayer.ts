import type { Api } from '../api/client';
import type { Asset, Video } from '../api/schema';
import { fileOf, layoutOf, startOf } from '../video/assets';
import { type Film, filmAt, flatAt } from '../video/film';
import { seekTo } from '../video/seeking';

/** Of the end, that is not sought. */
const LAST_S = 0.05;

interface PlayerEvents {
  /** The video's first frame is there. */
  ready(): void;
  /** Another frame is there, of the film that is shown now. */
  switched(): void;
  broken(): void;
}

/** A video and its film with depth: two that are at the same place in time, of which one plays. */
export class VideoPlayer {
  flat: HTMLVideoElement | null = null;
  film: Film | null = null;
  playing = false;
  private isDeep = false;
  private told = 0;
  private slept = false;
  private visit = new AbortController();

  constructor(private readonly events: PlayerEvents) {}

  open(api: Api, video: Video): void {
    this.close();
    this.visit = new AbortController();
    const { signal } = this.visit;
    this.told = video.duration_s ?? 0;
    const flat = flatAt(video.name, api.url(video.playback), api.url(video.preview));
    this.flat = flat;
    flat.addEventListener('loadeddata', () => this.events.ready(), { signal });
    flat.addEventListener('error', () => this.events.broken(), { signal });
    this.endsWith(flat);
    this.play();
  }

  /** Takes the film with depth of an asset, where it has one. */
  takeFilm(api: Api, asset: Asset): void {
    const layout = layoutOf(asset);
    const file = fileOf(asset, 'rgbd');
    if (!layout || !file) return;
    this.film = filmAt(api.url(file.url), layout, startOf(asset.params));
    this.film.element.playsInline = true;
    this.endsWith(this.film.element);
  }

  /** Seconds from the video's beginning. */
  get time(): number {
    return (this.active?.currentTime ?? 0) + this.start;
  }

  get length(): number {
    const { flat } = this;
    return flat && Number.isFinite(flat.duration) ? flat.duration : this.told;
  }

  get muted(): boolean {
    return this.flat?.muted ?? false;
  }

  /** Plays the film with depth instead of the video from here on, or the other way round. */
  switchTo(deep: boolean): void {
    const from = this.active;
    const { time, playing } = this;
    this.isDeep = deep && this.film !== null;
    const to = this.active;
    if (!to || to === from) return;
    from?.pause();
    void seekTo(to, Math.max(time - this.start, 0), this.visit.signal)
      .then(() => {
        this.events.switched();
        if (playing) this.play();
      })
      .catch(() => this.events.broken());
  }

  play(): void {
    this.playing = true;
    if (this.active?.ended) this.active.currentTime = 0;
    this.active?.play().catch(() => this.pause());
  }

  pause(): void {
    this.playing = false;
    this.active?.pause();
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  mute(): void {
    const muted = !this.muted;
    for (const one of this.both) one.muted = muted;
  }

  /** Of many moments that are scrubbed over, those that can be shown in time are; a sure one is. */
  seek(seconds: number, sure: boolean): void {
    const { active, length } = this;
    if (!active || (active.seeking && !sure)) return;
    const last = Math.max(length - LAST_S, 0);
    active.currentTime = Math.min(Math.max(seconds - this.start, 0), last);
  }

  /** Stands still while it is not seen, and goes on then if it did. */
  sleep(asleep: boolean): void {
    if (asleep) {
      this.slept = this.playing;
      this.pause();
    } else if (this.slept) this.play();
  }

  close(): void {
    this.visit.abort();
    this.pause();
    for (const one of this.both) {
      one.removeAttribute('src');
      one.load();
    }
    this.flat = this.film = null;
    this.slept = this.isDeep = false;
  }

  private get both(): HTMLVideoElement[] {
    return [this.flat, this.film?.element].filter((one) => one instanceof HTMLVideoElement);
  }

  private get active(): HTMLVideoElement | null {
    return this.isDeep ? (this.film?.element ?? null) : this.flat;
  }

  private get start(): number {
    return this.isDeep ? (this.film?.start ?? 0) : 0;
  }

  private endsWith(film: HTMLVideoElement): void {
    const { signal } = this.visit;
    film.addEventListener('ended', () => film === this.active && this.pause(), { signal });
  }
}
