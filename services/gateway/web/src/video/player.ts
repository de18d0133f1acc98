import { Emitter } from '../emitter';
import { prefersStillness, rememberMotion, wantsMotion } from '../render/device';
import { texts } from '../texts';
import { paintAmbience } from '../ui/ambience';
import { el } from '../ui/dom';
import { DepthWindow } from './depthWindow';
import { type Film, flatAt, reaches } from './film';
import { Frames } from './frames';
import { type Liking, remembered, rememberLiking } from './liking';
import { seekTo } from './seeking';

export type Look = 'flat' | 'depth';
export type FilmTrouble = 'no-film' | 'no-depth' | 'no-webgl' | 'context-lost';

interface PlayerEvents {
  /** It plays or stands, is muted or not, looks otherwise: something of what controls show. */
  state: null;
  time: number;
  trouble: FilmTrouble | null;
}

/** As the style sheet has it. */
const FADE_MS = 600;

/** One video: flat as the library plays it, or as a window with depth, at the same place in time. */
export class Player extends Emitter<PlayerEvents> {
  readonly element = el('div', { class: 'stage' });
  look: Look = 'flat';
  wish: Look = 'depth';
  liking: Liking = remembered();
  moving = wantsMotion();
  readonly frames = new Frames();
  /** What one leans before. */
  readonly depth: DepthWindow;
  private readonly ambience = el('canvas', { class: 'ambience', 'aria-hidden': 'true' });
  private flat = el('video', { class: 'flat' });
  private film: Film | null = null;
  private visit = new AbortController();
  private name = '';
  private isToPlay = false;
  private turning = false;
  private wanted: number | null = null;
  /** Where it stands since it last went somewhere: its frame may not be drawn yet. */
  private stands: number | null = null;
  private failed = false;
  private fading = 0;
  private length = 0;

  constructor() {
    super();
    this.element.append(this.ambience, this.flat);
    this.depth = new DepthWindow(this.element, {
      drawn: (moment) => this.countFrame(moment),
      lost: () => this.fail('context-lost'),
    });
  }

  get time(): number {
    return this.wanted ?? this.active.currentTime + this.start;
  }

  get duration(): number {
    const { duration } = this.flat;
    return Number.isFinite(duration) ? duration : this.length;
  }

  get paused(): boolean {
    return !this.isToPlay;
  }

  get hasDepth(): boolean {
    return this.film !== null && !this.failed;
  }

  /** Shows another video, flat and standing; forgets the one before. length: in seconds, as the library has it. */
  open(name: string, source: string, poster: string, length: number): void {
    this.leave();
    this.name = name;
    this.length = length;
    const flat = flatAt(name, source, poster);
    this.flat.replaceWith(flat);
    this.flat = flat;
    this.like(flat);
    this.watch(flat);
    flat.addEventListener('error', () => !this.hasDepth && this.emit('trouble', 'no-film'));
    flat.addEventListener('loadeddata', () => paintAmbience(this.ambience, flat), { once: true });
    this.tellLook();
  }

  /** Takes in a film with depth, instead of the one there is. */
  setFilm(film: Film | null): void {
    const before = this.film;
    if (before?.element === film?.element) {
      this.settle();
      return;
    }
    if (this.look === 'depth') this.showFlatAt(this.time);
    before?.element.remove();
    this.depth.clear();
    this.film = film;
    this.failed = false;
    if (film) {
      film.element.className = 'film';
      film.element.playsInline = true;
      this.flat.after(film.element);
      this.like(film.element);
      this.watch(film.element);
      film.element.addEventListener('error', () => this.fail('no-depth'));
    }
    this.settle();
    this.emit('state', null);
  }

  choose(wish: Look): void {
    this.wish = wish;
    this.settle();
    this.emit('state', null);
  }

  /** Tries again what went wrong. */
  recover(): void {
    this.failed = false;
    this.emit('trouble', null);
    if (this.flat.error) this.flat.load();
    if (this.film?.element.error) this.film.element.load();
    this.settle();
  }

  play(): void {
    this.isToPlay = true;
    if (this.active.ended) this.seek(0);
    if (!this.turning) void this.active.play().catch(() => this.pause());
    this.emit('state', null);
  }

  pause(): void {
    this.isToPlay = false;
    this.active.pause();
    this.emit('state', null);
  }

  toggle(): void {
    if (this.paused) this.play();
    else this.pause();
  }

  /** Goes to a moment; of many that are asked for while one is sought, only the last is. */
  seek(seconds: number): void {
    this.wanted = Math.min(Math.max(seconds, 0), Math.max(this.duration - 0.001, 0));
    this.settle();
    this.pump();
    this.emit('time', this.time);
  }

  seekBy(seconds: number): void {
    this.seek(this.time + seconds);
  }

  /** Stands still, one frame further or back. */
  step(direction: 1 | -1): void {
    this.pause();
    this.seek(this.frames.beside(this.wanted ?? this.stands, direction));
  }

  prefer(liking: Partial<Liking>): void {
    this.liking = { ...this.liking, ...liking };
    rememberLiking(this.liking);
    for (const one of [this.flat, this.film?.element]) if (one) this.like(one);
    this.depth.setStrength(this.liking.strength);
    this.emit('state', null);
  }

  toggleMotion(): void {
    this.moving = !this.moving;
    rememberMotion(this.moving);
    this.depth.setSway(this.moving);
    this.emit('state', null);
  }

  close(): void {
    this.leave();
    this.depth.dispose();
    delete document.body.dataset.mode;
  }

  /** Where in the video the film that plays begins. */
  private get start(): number {
    return this.look === 'depth' ? (this.film?.start ?? 0) : 0;
  }

  private get active(): HTMLVideoElement {
    return this.look === 'depth' && this.film ? this.film.element : this.flat;
  }

  private leave(): void {
    this.visit.abort();
    this.visit = new AbortController();
    this.isToPlay = false;
    this.wanted = null;
    this.stands = null;
    this.turning = false;
    this.frames.forget();
    this.showFlatAt(0);
    this.setFilm(null);
    this.flat.pause();
    this.flat.removeAttribute('src');
    this.flat.load();
    this.emit('trouble', null);
  }

  private watch(video: HTMLVideoElement): void {
    const { signal } = this.visit;
    const ifActive = (then: () => void) => () => video === this.active && !signal.aborted && then();
    const on = (event: string, then: () => void) =>
      video.addEventListener(event, ifActive(then), { signal });
    on('timeupdate', () => {
      this.settle();
      this.emit('time', this.time);
    });
    on('seeked', () => {
      this.pump();
      this.settle();
      this.emit('time', this.time);
    });
    on('ended', () => this.pause());
    // As by keys of the system, or because the film is taken away.
    on('pause', () => !this.turning && this.isToPlay && !video.ended && this.pause());
    on('play', () => {
      this.isToPlay = true;
      this.stands = null;
      this.emit('state', null);
    });
    for (const event of ['durationchange', 'waiting', 'playing', 'volumechange'])
      on(event, () => this.emit('state', null));
    if (video === this.flat) this.frames.follow(video, signal, () => this.look === 'flat');
  }

  private pump(): void {
    const { active } = this;
    if (this.wanted === null || this.turning || active.seeking || active.readyState < 1) return;
    active.currentTime = this.wanted - this.start;
    this.stands = this.paused ? this.wanted : null;
    this.wanted = null;
  }

  /** Turns to what is wished for, or the next best that can be watched here and now. */
  private settle(): void {
    if (this.turning) return;
    const wanted = this.wish === 'depth' && this.reaches() ? 'depth' : 'flat';
    if (wanted !== this.look) void this.turnTo(wanted);
  }

  private reaches(): boolean {
    const { film, time, duration } = this;
    if (!film || this.failed) return false;
    const how = { shown: this.look === 'depth', playing: this.isToPlay };
    return reaches(film, { time, duration }, how);
  }

  private async turnTo(look: Look): Promise<void> {
    const { signal } = this.visit;
    const from = this.active;
    const at = this.time;
    this.turning = true;
    try {
      if (look === 'depth' && !(await this.prepare(signal))) return;
      const to = look === 'depth' ? this.film?.element : this.flat;
      if (!to || signal.aborted) return;
      from.pause();
      await seekTo(to, look === 'depth' ? at - (this.film?.start ?? 0) : at, signal);
      if (look === 'depth') await this.depth.drawn();
      if (signal.aborted) return;
      if (look === 'depth') this.depth.finish();
      this.look = look;
      this.tellLook();
    } catch {
      if (!signal.aborted && look === 'depth') this.fail('no-depth');
    } finally {
      if (!signal.aborted) this.turned();
    }
  }

  private turned(): void {
    this.turning = false;
    if (this.isToPlay) this.play();
    this.pump();
    this.settle();
    this.emit('state', null);
    this.emit('time', this.time);
  }

  private async prepare(signal: AbortSignal): Promise<boolean> {
    const { film } = this;
    if (!film) return false;
    const label = texts.photo.withDepth(this.name);
    const { strength } = this.liking;
    const canDraw = await this.depth.take(film, { label, sways: this.moving, strength }, signal);
    if (!canDraw) this.fail('no-webgl');
    return canDraw && film === this.film;
  }

  private showFlatAt(seconds: number): void {
    if (this.look === 'flat') return;
    this.film?.element.pause();
    this.look = 'flat';
    if (this.flat.readyState > 0) this.flat.currentTime = seconds;
    if (this.isToPlay) void this.flat.play().catch(() => this.pause());
    this.tellLook();
  }

  private fail(trouble: FilmTrouble): void {
    if (this.failed) return;
    this.failed = true;
    this.showFlatAt(this.time);
    this.emit('trouble', trouble);
    this.emit('state', null);
  }

  private tellLook(): void {
    const deep = this.look === 'depth';
    document.body.dataset.mode = this.look;
    this.element.classList.toggle('is-deep', deep);
    window.clearTimeout(this.fading);
    const hideFlat = () => this.element.classList.toggle('hides-flat', deep);
    if (deep && !prefersStillness()) this.fading = window.setTimeout(hideFlat, FADE_MS);
    else hideFlat();
    this.depth.show(deep);
    this.emit('state', null);
  }

  private countFrame(moment: number): void {
    const { dataset } = document.body;
    dataset.frames = String(Number(dataset.frames ?? 0) + 1);
    if (this.look === 'depth' || this.turning) this.frames.tell(moment + (this.film?.start ?? 0));
  }

  private like(video: HTMLVideoElement): void {
    const { volume, muted, rate, loop } = this.liking;
    Object.assign(video, { volume, muted, loop, defaultPlaybackRate: rate, playbackRate: rate });
  }
}
