import type * as THREE from 'three';
import type { Api } from '../api/client';
import type { Quality } from '../api/schema';
import type { Timeline } from '../gallery/timeline';
import { budgetOf } from '../render/device';
import type { Route } from '../router';
import type { Store } from '../store';
import { Cloud } from './cloud';
import { Controls } from './controls';
import type { Spot } from './ground';
import { budgetFor } from './levels';
import { keepLikings, type Likings, readLikings } from './likings';
import { PhotoRoom } from './photoRoom';
import type { Kind, Room, House as Shared } from './room';
import { SceneRoom } from './sceneRoom';
import { Session } from './session';
import { Stance } from './stance';
import { Surround } from './surround';
import { Veil } from './veil';
import { VideoRoom } from './videoRoom';
import { type GalleryWish, WallRoom } from './wallRoom';
import { Watchdog } from './watchdog';
import { Ways } from './ways';
import { Wrist } from './wrist';

export interface Visitors {
  api: Api;
  store: Store;
  timeline: Timeline;
  /** What the page shows when VR begins. */
  at: Route;
  look: GalleryWish;
  /** With which model, and how fine, 3D is made. */
  making: { model: string; quality: Quality };
  /** VR is over: what was looked at last, and whether the graphics device was lost for good. */
  left(what: { kind: Kind; id: string } | null, lost: boolean): void;
}

/** VR from its door to its end: one session, and in each of its frames the room that is shown. */
export class House implements Shared {
  readonly api: Api;
  readonly store: Store;
  readonly making: Visitors['making'];
  readonly surround = new Surround();
  readonly budget = budgetOf(location.search);
  readonly cloud: Cloud;
  likings: Likings = readLikings();
  private readonly session: Session;
  private readonly stance: Stance;
  private readonly veil = new Veil();
  private readonly wrist: Wrist;
  private readonly controls = new Controls();
  private readonly watchdog = new Watchdog();
  private readonly device = budgetFor(navigator.userAgent, this.budget);
  private readonly wall: WallRoom;
  private readonly rooms: Room[];
  private readonly ways: Ways;
  private saysOld = true;
  private ended = false;

  constructor(private readonly visitors: Visitors) {
    const { api, store, timeline } = visitors;
    this.api = api;
    this.store = store;
    this.making = visitors.making;
    this.session = new Session(
      {
        frame: (seconds, busy) => this.frame(seconds, busy),
        squeeze: (pointer, held) =>
          held && pointer.handedness !== this.pointing && this.wrist.toggle(),
        reset: () => this.stance.recentreNext(),
        rate: (hz) => this.watchdog.setRate(hz),
        sleep: (asleep) => this.room.sleep(asleep),
        restored: () => this.restore(),
        ended: (lost) => this.end(lost),
      },
      this.budget !== null,
    );
    const { scene, rig, camera, renderer } = this.session;
    this.cloud = new Cloud(renderer, this.budget);
    this.stance = new Stance(rig, camera);
    this.wrist = new Wrist((id) => this.room.press(id));
    this.wall = new WallRoom(this, timeline, visitors.look, {
      open: (kind, id) => this.ways.choose(kind, id),
    });
    const beside = (id: string, direction: 1 | -1) => this.ways.beside(id, direction);
    const show = (id: string) => void this.ways.goOn(id);
    const photo = new PhotoRoom(this, {
      beside,
      show,
      readBeside: (one) => this.ways.readBeside(one),
    });
    const video = new VideoRoom(this, { beside, show });
    const place = new SceneRoom(this);
    this.rooms = [this.wall, photo, video, place];
    this.ways = new Ways({
      store,
      timeline,
      veil: this.veil,
      wall: this.wall,
      rooms: { photo, video, scene: place },
      shown: (room) => this.show(room),
      tell: () => this.tell(),
    });
    camera.add(this.veil.mesh);
    scene.add(this.surround.group, this.wrist.panel.mesh);
    for (const { group } of this.rooms) {
      group.visible = false;
      scene.add(group);
    }
  }

  get renderer(): THREE.WebGLRenderer {
    return this.session.renderer;
  }

  get eyeHeight(): number {
    return this.stance.eyeHeight;
  }

  /** Shows all this in a session that has begun. */
  async enter(session: XRSession): Promise<void> {
    await this.session.begin(session);
    if (this.ended) return;
    this.apply();
    await this.ways.begin(this.visitors.at);
  }

  splats(): number {
    return this.budget ?? this.device.splats * this.watchdog.effort.splats;
  }

  like(likings: Partial<Likings>): void {
    this.likings = { ...this.likings, ...likings };
    keepLikings(this.likings);
    if ('rows' in likings || 'seated' in likings) this.wall.reshape();
    this.tell();
  }

  recentre(): void {
    this.stance.recentre();
    this.surround.setFloor(this.stance.eyeHeight);
  }

  leave(): void {
    this.session.end();
  }

  leap(to: () => Spot): void {
    void this.ways.dissolve(() => this.stance.goTo(to()));
  }

  toWall(why = ''): void {
    this.ways.toWall(why);
  }

  tell(): void {
    this.saysOld = true;
  }

  settle(): void {
    this.watchdog.settle();
  }

  /** Where something is in the session's own axes, by its name; for tests, which have no eyes. */
  placeOf(name: string): number[] | null {
    const place =
      (this.wrist.shown ? this.wrist.panel.middleOf(name) : null) ?? this.room.placeOf?.(name);
    return place ? this.session.rig.worldToLocal(place.clone()).toArray() : null;
  }

  private get room(): Room {
    return this.ways.room;
  }

  private get pointing(): 'left' | 'right' {
    return this.likings.leftHanded ? 'left' : 'right';
  }

  private show(room: Room): void {
    for (const one of this.rooms) one.group.visible = one === room;
    if (room === this.wall) this.surround.quiet();
    this.stance.home();
    this.watchdog.settle();
    this.tell();
  }

  private frame(seconds: number, busy: number): void {
    const { session, stance, room, wrist } = this;
    if (stance.heed(session.posed)) this.surround.setFloor(stance.eyeHeight);
    const head = stance.head();
    const carrier =
      session.pointers.find((one) => one.isCarried && one.handedness !== this.pointing) ?? null;
    wrist.step(carrier, head, stance.ahead());
    for (const pointer of session.pointers) {
      if (pointer !== carrier) pointer.muted = false;
      const targets = pointer === carrier ? room.targets() : [wrist.panel, ...room.targets()];
      pointer.step(targets, seconds, head);
    }
    // A press may have been the last.
    if (this.ended) return;
    const asked = this.controls.read(session.pointers, this.pointing);
    if (asked.menu) wrist.toggle();
    const moving = stance.walk(asked, seconds, room.ground);
    room.act(asked);
    room.step(seconds, stance.head());
    this.veil.step(seconds, stance.vignette.step(moving, seconds));
    if (this.saysOld) wrist.show(room.rows());
    this.saysOld = false;
    this.watch(seconds, busy);
    this.report();
  }

  private watch(seconds: number, busy: number): void {
    // Who asks for a number of splats has decided.
    if (this.budget !== null) return;
    const { splats } = this.watchdog.effort;
    const verdict = this.watchdog.frame(seconds, busy);
    if (verdict === 'flat') this.room.giveUp?.();
    if (verdict !== 'lower') return;
    this.apply();
    if (this.watchdog.effort.splats !== splats) this.room.relevel?.();
  }

  private apply(): void {
    const { foveation, viewport } = this.watchdog.effort;
    this.session.spare(foveation, viewport);
  }

  private restore(): void {
    this.apply();
    this.cloud.forget();
    for (const room of this.rooms) if (room === this.room || room === this.wall) room.restore();
  }

  private report(): void {
    if (this.ended) return;
    const facts: Record<string, string> = {
      xr: this.room.name,
      xrWrist: String(this.wrist.shown),
      xrEffort: String(this.watchdog.step),
      xrFrames: String(this.session.frames),
      xrCalls: String(this.session.calls),
      xrVignette: this.stance.vignette.amount.toFixed(2),
      ...this.room.facts(),
    };
    for (const [name, value] of Object.entries(facts))
      if (document.body.dataset[name] !== value) document.body.dataset[name] = value;
  }

  private end(lost: boolean): void {
    if (this.ended) return;
    this.ended = true;
    const { current } = this.ways;
    this.ways.end();
    for (const room of this.rooms) room.dispose();
    void this.cloud.dispose();
    this.wrist.dispose();
    this.surround.dispose();
    this.veil.dispose();
    this.session.dispose();
    for (const name of Object.keys(document.body.dataset))
      if (/^xr($|[A-Z])/.test(name)) delete document.body.dataset[name];
    this.visitors.left(current, lost);
  }
}
