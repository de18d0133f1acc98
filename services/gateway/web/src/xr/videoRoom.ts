import * as THREE from 'three';
import { ApiError } from '../api/client';
import type { Asset, Video, VideoDetail } from '../api/schema';
import { FilmScene } from '../render/film';
import { clockWords } from '../ui/words';
import { bestDepth, fileOf, layoutOf, startOf, stripOf } from '../video/assets';
import { type Film, filmAt, flatAt } from '../video/film';
import { type Strip, tileAt } from '../video/moments';
import { seekTo } from '../video/seeking';
import { Panel } from './panel';
import type { Glimpse, Row } from './panelLayout';
import type { Target } from './pointers';
import { guessProjection, type Projection } from './projection';
import type { Asked, House, Room } from './room';
import { Screen, spreadOfFilm } from './screen';
import { texts } from './texts';
import { videoRows } from './videoRows';
import { WALL_TEXT } from './wallLayout';

const DISTANCE = 2.6;
const CURVE = 0.5;
const GRID_COLUMNS = 320;
const GRID_COLUMNS_WITH_BUDGET = 96;
const SKIP_S = 10;
const PANEL_DISTANCE = 1.7;
/** How often the panel follows what plays. */
const TELL_EVERY_S = 0.25;

export type Look = 'flat' | 'curved' | 'depth';

interface VideoRoomActions {
  beside(id: string, direction: 1 | -1): string | null;
  show(id: string): void;
}

/** One video before the viewer: on a screen, all around, or as a window with depth. */
export class VideoRoom implements Room {
  readonly name = 'video';
  readonly group = new THREE.Group();
  readonly reach = 0.35;
  id = '';
  look: Look = 'curved';
  private readonly panel: Panel;
  private flat: HTMLVideoElement | null = null;
  private film: Film | null = null;
  private screen: Screen | null = null;
  private depth: FilmScene | null = null;
  private projection: Projection = { shape: 'flat', layout: 'mono', crossed: false, half: false };
  private strip: { strip: Strip; image: HTMLImageElement; start: number } | null = null;
  private detail: VideoDetail | null = null;
  private title = '';
  private hovered: number | null = null;
  private note = '';
  private playing = false;
  private slept = false;
  private untold = 0;
  private visit = new AbortController();

  constructor(
    private readonly house: House,
    private readonly actions: VideoRoomActions,
  ) {
    this.panel = new Panel(
      'player',
      { width: 1.5, text: (WALL_TEXT * PANEL_DISTANCE) / 2.2 },
      {
        press: (id) => this.press(id),
        scrub: (_, part, done) => part >= 0 && this.seek(part * this.length, done),
        hover: (id, part) => {
          this.hovered = id === 'time' ? part : null;
          this.tell();
        },
      },
    );
    this.panel.mesh.position.set(0, -0.78, -1.5);
    this.panel.mesh.rotation.x = -0.46;
    this.group.add(this.panel.mesh);
  }

  async open(id: string): Promise<void> {
    this.close();
    this.visit = new AbortController();
    const { signal } = this.visit;
    const { house } = this;
    this.id = id;
    this.note = '';
    house.surround.quiet();
    house.settle();
    try {
      const detail = await house.api.video(id);
      if (signal.aborted) return;
      this.detail = detail;
      this.begin(detail, signal);
      await this.takeDepth(bestDepth(detail.assets), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.note = texts.video.broken;
    }
    this.tell();
  }

  targets(): Target[] {
    return [this.panel];
  }

  step(seconds: number): void {
    this.untold += seconds;
    if (this.untold >= TELL_EVERY_S) this.tell();
  }

  act({ step, back, across, up }: Asked): void {
    if (step !== 0) this.seek(this.time + step * SKIP_S, true);
    if (across === 0 && up === 0 && back) this.house.toWall();
  }

  rows(): Row[] {
    return [
      { kind: 'title', text: this.title },
      {
        kind: 'buttons',
        buttons: [
          { id: 'wall', label: texts.photo.back, icon: 'photos' },
          { id: 'recentre', label: texts.photo.recentre, icon: 'reset' },
        ],
      },
      { kind: 'buttons', buttons: [{ id: 'exit', label: texts.photo.exit, icon: 'signOut' }] },
    ];
  }

  press(id: string): void {
    const { house } = this;
    const actions: Record<string, () => void> = {
      play: () => this.toggle(),
      back10: () => this.seek(this.time - SKIP_S, true),
      ahead10: () => this.seek(this.time + SKIP_S, true),
      previous: () => this.go(-1),
      next: () => this.go(1),
      sound: () => this.mute(),
      flat: () => this.choose('flat'),
      curved: () => this.choose('curved'),
      depth: () => this.choose('depth'),
      shape: () => this.reproject({ shape: nextOf(['flat', '180', '360'], this.projection.shape) }),
      layout: () =>
        this.reproject({ layout: nextOf(['mono', 'sbs', 'tb'], this.projection.layout) }),
      swap: () => this.reproject({ crossed: !this.projection.crossed }),
      wall: () => house.toWall(),
      recentre: () => house.recentre(),
      exit: () => house.leave(),
    };
    actions[id]?.();
    this.tell();
  }

  sleep(asleep: boolean): void {
    if (asleep) {
      this.slept = this.playing;
      this.pause();
    } else if (this.slept) this.play();
  }

  restore(): void {
    this.choose(this.look);
  }

  close(): void {
    this.visit.abort();
    this.pause();
    this.dropPicture();
    for (const video of [this.flat, this.film?.element]) {
      video?.removeAttribute('src');
      video?.load();
    }
    this.flat = this.film = this.strip = this.detail = null;
    this.slept = false;
  }

  dispose(): void {
    this.close();
    this.panel.dispose();
  }

  facts(): Record<string, string> {
    return {
      xrVideo: this.id,
      xrShape: this.projection.shape === 'flat' ? this.look : this.projection.shape,
      xrLayout: this.projection.layout,
      xrTime: this.time.toFixed(2),
      xrPlays: String(this.playing),
    };
  }

  placeOf(name: string): THREE.Vector3 | null {
    return this.panel.middleOf(name);
  }

  private get active(): HTMLVideoElement | null {
    return this.look === 'depth' && this.depth ? (this.film?.element ?? null) : this.flat;
  }

  private get start(): number {
    return this.look === 'depth' && this.depth ? (this.film?.start ?? 0) : 0;
  }

  private get time(): number {
    return (this.active?.currentTime ?? 0) + this.start;
  }

  private get length(): number {
    const { flat, detail } = this;
    return flat && Number.isFinite(flat.duration) ? flat.duration : (detail?.duration_s ?? 0);
  }

  private begin(video: Video, signal: AbortSignal): void {
    const { api } = this.house;
    this.title = video.name;
    this.projection = guessProjection(video);
    const flat = flatAt(video.name, api.url(video.playback), api.url(video.preview));
    this.flat = flat;
    flat.addEventListener(
      'loadeddata',
      () => this.choose(this.look === 'depth' ? 'curved' : this.look),
      { signal },
    );
    this.endsWith(flat, signal);
    flat.addEventListener(
      'error',
      () => {
        this.note = texts.video.broken;
      },
      { signal },
    );
    this.play();
  }

  private endsWith(film: HTMLVideoElement, signal: AbortSignal): void {
    film.addEventListener('ended', () => film === this.active && this.pause(), { signal });
  }

  private async takeDepth(asset: Asset | null, signal: AbortSignal): Promise<void> {
    if (!asset) return;
    const { api } = this.house;
    const layout = layoutOf(asset);
    const file = fileOf(asset, 'rgbd');
    const start = startOf(asset.params);
    if (layout && file) {
      this.film = filmAt(api.url(file.url), layout, start);
      this.film.element.playsInline = true;
      this.endsWith(this.film.element, signal);
    }
    const told = fileOf(asset, 'strip');
    const strip = told && stripOf(asset);
    if (!told || !strip) return;
    const image = new Image();
    image.src = api.url(told.url);
    await image.decode().catch(() => {});
    if (!signal.aborted && image.naturalWidth) this.strip = { strip, image, start };
  }

  private choose(look: Look): void {
    if (look === 'depth' && (!this.film || this.projection.shape !== 'flat')) return;
    const from = this.active;
    const at = this.time;
    const { playing } = this;
    this.look = look;
    this.dropPicture();
    this.hang();
    const to = this.active;
    if (!to || to === from) return;
    from?.pause();
    void seekTo(to, Math.max(at - this.start, 0), this.visit.signal)
      .then(() => {
        this.depth?.refresh();
        if (playing) this.play();
      })
      .catch(() => {
        this.note = texts.video.broken;
      });
  }

  private hang(): void {
    const { flat, film, projection, house } = this;
    if (this.look === 'depth' && film) {
      this.depth = new FilmScene(
        film.element,
        film.layout,
        house.budget ? GRID_COLUMNS_WITH_BUDGET : GRID_COLUMNS,
      );
      const { focus, camera } = this.depth;
      this.depth.setScale(DISTANCE / focus);
      this.depth.setRestSize(camera.width, camera.height);
      this.group.add(this.depth.scene);
      return;
    }
    if (!flat) return;
    const texture = new THREE.VideoTexture(flat);
    texture.colorSpace = THREE.NoColorSpace;
    this.screen = new Screen(texture);
    this.group.add(this.screen.group);
    if (projection.shape !== 'flat') this.screen.showAround(projection);
    else {
      const spread = spreadOfFilm(projection, flat.videoWidth, flat.videoHeight);
      this.screen.showBefore(spread, DISTANCE, this.look === 'curved' ? CURVE : 0, projection);
    }
  }

  private reproject(part: Partial<Projection>): void {
    this.projection = { ...this.projection, ...part };
    this.choose(this.look === 'depth' ? 'curved' : this.look);
  }

  private dropPicture(): void {
    this.screen?.dispose();
    this.depth?.scene.removeFromParent();
    this.depth?.dispose();
    this.screen = this.depth = null;
  }

  private play(): void {
    this.playing = true;
    this.active?.play().catch(() => this.pause());
  }

  private pause(): void {
    this.playing = false;
    this.active?.pause();
  }

  private toggle(): void {
    if (this.playing) this.pause();
    else {
      if (this.active?.ended) this.active.currentTime = 0;
      this.play();
    }
  }

  private mute(): void {
    const muted = !this.flat?.muted;
    for (const video of [this.flat, this.film?.element]) if (video) video.muted = muted;
  }

  /** Of many moments that are scrubbed over, those that can be shown in time are. */
  private seek(seconds: number, sure: boolean): void {
    const { active } = this;
    if (!active || (active.seeking && !sure)) return;
    active.currentTime = Math.min(
      Math.max(seconds - this.start, 0),
      Math.max(this.length - 0.05, 0),
    );
  }

  private go(direction: 1 | -1): void {
    const id = this.actions.beside(this.id, direction);
    if (id) this.actions.show(id);
  }

  private glimpse(): Glimpse | null {
    const { strip, hovered } = this;
    if (!strip || hovered === null) return null;
    const [x, y] = tileAt(strip.strip, hovered * this.length - strip.start);
    return { image: strip.image, part: [x, y, ...strip.strip.tile] };
  }

  private tell(): void {
    this.untold = 0;
    const { time, length } = this;
    const at = this.hovered === null ? time : this.hovered * length;
    this.panel.show(
      videoRows({
        words: this.note || `${clockWords(at)} / ${clockWords(length)}`,
        part: length > 0 ? time / length : 0,
        glimpse: this.glimpse(),
        playing: this.playing,
        muted: this.flat?.muted ?? false,
        look: this.look,
        hasDepth: this.film !== null,
        projection: this.projection,
        hasPrevious: this.actions.beside(this.id, -1) !== null,
        hasNext: this.actions.beside(this.id, 1) !== null,
      }),
    );
  }
}

const nextOf = <T>(all: readonly T[], one: T): T => all[(all.indexOf(one) + 1) % all.length] as T;
