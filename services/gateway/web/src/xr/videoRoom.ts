import * as THREE from 'three';
import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Asset } from '../api/schema';
import { decoded } from '../ui/decoding';
import { clockWords } from '../ui/words';
import { bestDepth, fileOf, startOf, stripOf } from '../video/assets';
import { type Strip, tileAt } from '../video/moments';
import { asTold, type Told3d, told3d } from './container';
import { around } from './ground';
import { pressedLie } from './lieButtons';
import { Panel } from './panel';
import type { Glimpse, Row } from './panelLayout';
import type { Target } from './pointers';
import { guessProjection, PLAIN, type Projection } from './projection';
import type { Asked, House, Opened } from './room';
import { texts } from './texts';
import { seenBy } from './twoEyes';
import { type Look, VideoPicture } from './videoPicture';
import { VideoPlayer } from './videoPlayer';
import { videoRows } from './videoRows';
import { WALL_TEXT } from './wallLayout';

const SKIP_S = 10;
/** So long a film's file may take to tell how it is to be seen; then it is looked at. */
const TELLS_WITHIN_MS = 3000;
const PANEL_DISTANCE = 1.7;
/** How often the panel follows what plays. */
const TELL_EVERY_S = 0.25;

interface VideoRoomActions {
  beside(id: string, direction: 1 | -1): string | null;
  show(id: string): void;
}

/** One video before the viewer: on a screen, all around, or as a window with depth. */
export class VideoRoom implements Opened {
  readonly name = 'video';
  readonly group = new THREE.Group();
  readonly ground = around(0.35);
  id = '';
  look: Look = 'curved';
  private readonly panel: Panel;
  private readonly picture: VideoPicture;
  private readonly player: VideoPlayer;
  private projection = PLAIN;
  /** Whether somebody has put right how it lies: then what is told later counts no more. */
  private isPutRight = false;
  /** What the film's file tells of how it lies, as soon as that is read. */
  private told: Promise<Told3d | null> = Promise.resolve(null);
  private strip: { strip: Strip; image: HTMLImageElement; start: number } | null = null;
  private title = '';
  private hovered: number | null = null;
  private note = '';
  private untold = 0;
  private visit = new AbortController();

  constructor(
    private readonly house: House,
    private readonly actions: VideoRoomActions,
  ) {
    this.picture = new VideoPicture(house.budget !== null);
    this.player = new VideoPlayer({
      ready: () => void this.begin(),
      switched: () => this.picture.refresh(),
      broken: () => {
        this.note = texts.video.broken;
      },
    });
    this.panel = new Panel(
      'player',
      { width: 1.5, text: (WALL_TEXT * PANEL_DISTANCE) / 2.2 },
      {
        press: (id) => this.press(id),
        scrub: (_, part, done) => part >= 0 && this.player.seek(part * this.player.length, done),
        hover: (id, part) => {
          this.hovered = id === 'time' ? part : null;
          this.tell();
        },
      },
    );
    this.panel.mesh.position.set(0, -0.78, -1.5);
    this.panel.mesh.rotation.x = -0.46;
    this.group.add(this.picture.group, this.panel.mesh);
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
      this.title = detail.name;
      this.projection = guessProjection(detail);
      this.isPutRight = false;
      this.told = toldBy(house.api, detail.original, signal);
      this.player.open(house.api, detail);
      const depth = bestDepth(detail.assets);
      if (depth) this.player.takeFilm(house.api, depth);
      if (depth) await this.takeStrip(depth, signal);
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

  act({ step, back }: Asked): void {
    if (step !== 0) this.skip(step);
    if (back) this.house.toWall();
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
    const { house, player } = this;
    const actions: Record<string, () => void> = {
      play: () => player.toggle(),
      back10: () => this.skip(-1),
      ahead10: () => this.skip(1),
      previous: () => this.go(-1),
      next: () => this.go(1),
      sound: () => player.mute(),
      flat: () => this.choose('flat'),
      curved: () => this.choose('curved'),
      depth: () => this.choose('depth'),
      wall: () => house.toWall(),
      recentre: () => house.recentre(),
      exit: () => house.leave(),
    };
    actions[id]?.();
    const { videoWidth, videoHeight } = player.flat ?? { videoWidth: 0, videoHeight: 0 };
    const lie = pressedLie(id, this.projection, videoWidth || 16, videoHeight || 9);
    if (lie) {
      this.isPutRight = true;
      this.reproject(lie);
    }
    this.tell();
  }

  sleep(asleep: boolean): void {
    this.player.sleep(asleep);
  }

  restore(): void {
    this.choose(this.look);
  }

  close(): void {
    this.visit.abort();
    this.picture.drop();
    this.player.close();
    this.strip = null;
  }

  dispose(): void {
    this.close();
    this.panel.dispose();
  }

  facts(): Record<string, string> {
    const { projection, player } = this;
    return {
      xrVideo: this.id,
      xrShape: projection.shape === 'flat' ? this.look : projection.shape,
      xrLayout: projection.layout,
      xrTime: player.time.toFixed(2),
      xrPlays: String(player.playing),
    };
  }

  placeOf(name: string): THREE.Vector3 | null {
    return this.panel.middleOf(name);
  }

  /** Its first frame is there. */
  private async begin(): Promise<void> {
    const { flat } = this.player;
    const { signal } = this.visit;
    const told = await this.told;
    if (!flat || signal.aborted) return;
    if (this.isPutRight) {
      this.choose(this.look);
      return;
    }
    const { videoWidth, videoHeight } = flat;
    this.projection = told
      ? asTold(this.projection, told, videoWidth, videoHeight)
      : seenBy(this.projection, flat, videoWidth, videoHeight);
    this.choose(this.screenLook);
  }

  /** The screen that it was shown on last, of those that every video can be shown on. */
  private get screenLook(): Look {
    return this.look === 'depth' ? 'curved' : this.look;
  }

  private async takeStrip(asset: Asset, signal: AbortSignal): Promise<void> {
    const told = fileOf(asset, 'strip');
    const strip = told && stripOf(asset);
    if (!told || !strip) return;
    const image = await decoded(this.house.api.url(told.url)).catch(() => null);
    if (signal.aborted || !image) return;
    this.strip = { strip, image, start: startOf(asset.params) };
  }

  private choose(look: Look): void {
    const { player, picture, projection } = this;
    const { film, flat } = player;
    if (look === 'depth' && (!film || projection.shape !== 'flat')) return;
    this.look = look;
    if (look === 'depth' && film) picture.showDepth(film);
    else if (flat) picture.showScreen(flat, projection, look);
    player.switchTo(look === 'depth');
  }

  private reproject(projection: Projection): void {
    this.projection = projection;
    this.choose(this.screenLook);
  }

  private skip(direction: 1 | -1): void {
    this.player.seek(this.player.time + direction * SKIP_S, true);
  }

  private go(direction: 1 | -1): void {
    const id = this.actions.beside(this.id, direction);
    if (id) this.actions.show(id);
  }

  private glimpse(): Glimpse | null {
    const { strip, hovered } = this;
    if (!strip || hovered === null) return null;
    const [x, y] = tileAt(strip.strip, hovered * this.player.length - strip.start);
    return { image: strip.image, part: [x, y, ...strip.strip.tile] };
  }

  private tell(): void {
    this.untold = 0;
    const { time, length, playing, muted, film } = this.player;
    const at = this.hovered === null ? time : this.hovered * length;
    this.panel.show(
      videoRows({
        words: this.note || `${clockWords(at)} / ${clockWords(length)}`,
        part: length > 0 ? time / length : 0,
        glimpse: this.glimpse(),
        playing,
        muted,
        look: this.look,
        hasDepth: film !== null,
        projection: this.projection,
        hasPrevious: this.actions.beside(this.id, -1) !== null,
        hasNext: this.actions.beside(this.id, 1) !== null,
      }),
    );
  }
}

/** What a film's file tells; null also where it cannot be had, as by a share link that allows no downloads. */
function toldBy(api: Api, path: string, visit: AbortSignal): Promise<Told3d | null> {
  const signal = AbortSignal.any([visit, AbortSignal.timeout(TELLS_WITHIN_MS)]);
  return told3d((start, most) => api.part(path, start, most, signal)).catch(() => null);
}
