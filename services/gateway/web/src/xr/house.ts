import type * as THREE from 'three';
import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Photo, Quality } from '../api/schema';
import type { Timeline } from '../gallery/timeline';
import { budgetOf } from '../render/device';
import type { Route } from '../router';
import type { Store } from '../store';
import { Controls } from './controls';
import { budgetFor } from './levels';
import { keepLikings, type Likings, readLikings } from './likings';
import { PhotoRoom } from './photoRoom';
import type { Room, House as Shared } from './room';
import { Session } from './session';
import { besideOnTrail } from './sources';
import { Stance } from './stance';
import { Surround } from './surround';
import { Veil } from './veil';
import { VideoRoom } from './videoRoom';
import { type GalleryWish, WallRoom } from './wallRoom';
import { Watchdog } from './watchdog';
import { Wrist } from './wrist';

const DISSOLVE_S = 0.12;

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
  left(what: { kind: 'photo' | 'video'; id: string } | null, lost: boolean): void;
}

/** VR from its door to its end: the rooms, what goes from one to the other, and one session that shows them. */
export class House implements Shared {
  readonly api: Api;
  readonly store: Store;
  readonly making: Visitors['making'];
  readonly surround = new Surround();
  readonly budget = budgetOf(location.search);
  likings: Likings = readLikings();
  private readonly session: Session;
  private readonly stance: Stance;
  private readonly veil = new Veil();
  private readonly wrist: Wrist;
  private readonly controls = new Controls();
  private readonly watchdog = new Watchdog();
  private readonly device = budgetFor(navigator.userAgent, this.budget);
  private readonly wall: WallRoom;
  private readonly photo: PhotoRoom;
  private readonly video: VideoRoom;
  private room: Room;
  /** Whether one goes from photo to photo as the page's list does, which was left for this one. */
  private onTrail = false;
  private saysOld = true;
  /** Whether something else comes already, and only the dark is waited for. */
  private darkens = false;
  private ended = false;

  constructor(private readonly visitors: Visitors) {
    this.api = visitors.api;
    this.store = visitors.store;
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
    const { scene, rig, camera } = this.session;
    this.stance = new Stance(rig, camera);
    this.wrist = new Wrist((id) => this.room.press(id));
    this.wall = new WallRoom(this, visitors.timeline, visitors.look, {
      open: (kind, id) => {
        this.onTrail = false;
        void this.open(kind, id);
      },
    });
    const beside = (id: string, direction: 1 | -1) => this.beside(id, direction);
    const show = (id: string) => void this.goOn(id);
    const readBeside = (photo: Photo) => this.readBeside(photo);
    this.photo = new PhotoRoom(this, { beside, show, readBeside });
    this.video = new VideoRoom(this, { beside, show });
    this.room = this.wall;
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

  /** Shows all this in a session that has begun. */
  async enter(session: XRSession): Promise<void> {
    const { at } = this.visitors;
    await this.session.begin(session);
    if (this.ended) return;
    this.apply();
    if (at.view === 'photo' || at.view === 'video') {
      // The wall has the videos of the library too; of an album or a search it knows nothing.
      this.onTrail = this.store.trail !== this.visitors.timeline;
      this.wall.goTo(at.id);
      await this.open(at.view, at.id);
    } else {
      this.wall.suit(at);
      this.show(this.wall);
    }
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

  toWall(): void {
    const { id } = this.current;
    void this.dissolve(() => {
      this.room.close();
      this.surround.quiet();
      this.show(this.wall);
      if (id) this.wall.goTo(id);
    });
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
      (this.wrist.shown ? this.wrist.panel.middleOf(name) : null) ??
      (this.room === this.wall ? this.wall.placeOf(name) : null) ??
      (this.room === this.video ? this.video.placeOf(name) : null);
    return place ? this.session.rig.worldToLocal(place.clone()).toArray() : null;
  }

  private get rooms(): Room[] {
    return [this.wall, this.photo, this.video];
  }

  private get pointing(): 'left' | 'right' {
    return this.likings.leftHanded ? 'left' : 'right';
  }

  private get current(): { kind: 'photo' | 'video' | null; id: string } {
    if (this.room === this.photo) return { kind: 'photo', id: this.photo.id };
    return this.room === this.video ? { kind: 'video', id: this.video.id } : { kind: null, id: '' };
  }

  private open(kind: 'photo' | 'video', id: string): Promise<void> {
    const room = kind === 'photo' ? this.photo : this.video;
    return this.dissolve(() => {
      if (this.room !== room) this.room.close();
      this.show(room);
      void room.open(id);
      this.wall.wantBeside(id);
    });
  }

  /** Opens what lies beside, which may be of the other kind. */
  private goOn(id: string): Promise<void> {
    const found = this.wall.beside(this.current.id, 1);
    const other = this.wall.beside(this.current.id, -1);
    const card = [found, other].find((one) => one?.id === id);
    return this.open(card?.kind === 'item' ? card.item.kind : 'photo', id);
  }

  private beside(id: string, direction: 1 | -1): string | null {
    const told = besideOnTrail(this.store.trail, id, direction);
    if (this.onTrail && told !== undefined) return told;
    if (this.wall.knows(id)) return this.wall.beside(id, direction)?.id ?? null;
    return told ?? null;
  }

  /** Reads what lies beside a photo, so that one can go on to it. */
  private async readBeside(photo: Photo): Promise<void> {
    this.wall.wantBeside(photo.id);
    if (this.wall.knows(photo.id) && !this.onTrail) return;
    try {
      await this.store.trail?.prepare(photo);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    this.tell();
  }

  private show(room: Room): void {
    for (const one of this.rooms) one.group.visible = one === room;
    this.room = room;
    this.stance.home();
    this.watchdog.settle();
    this.tell();
  }

  /** Dark for a moment, so that nothing jumps before one's eyes. */
  private async dissolve(change: () => void): Promise<void> {
    if (this.darkens) return;
    this.darkens = true;
    await this.veil.fadeTo(1, DISSOLVE_S);
    this.darkens = false;
    if (this.ended) return;
    change();
    await this.veil.fadeTo(0, DISSOLVE_S);
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
    const moving = stance.walk(asked, seconds, room.reach);
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
    if (verdict === 'flat' && this.room === this.photo) this.photo.giveUp();
    if (verdict !== 'lower') return;
    this.apply();
    if (this.watchdog.effort.splats !== splats) this.photo.relevel();
  }

  private apply(): void {
    const { foveation, viewport } = this.watchdog.effort;
    this.session.spare(foveation, viewport);
  }

  private restore(): void {
    this.apply();
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
      ...this.room.facts(),
    };
    for (const [name, value] of Object.entries(facts))
      if (document.body.dataset[name] !== value) document.body.dataset[name] = value;
  }

  private end(lost: boolean): void {
    if (this.ended) return;
    this.ended = true;
    const { kind, id } = this.current;
    this.wall.dispose();
    this.photo.dispose();
    this.video.dispose();
    this.wrist.dispose();
    this.surround.dispose();
    this.veil.dispose();
    this.session.dispose();
    for (const name of Object.keys(document.body.dataset))
      if (/^xr($|[A-Z])/.test(name)) delete document.body.dataset[name];
    this.visitors.left(kind && { kind, id }, lost);
  }
}
