import { ApiError } from '../api/client';
import type { Photo } from '../api/schema';
import type { Timeline } from '../gallery/timeline';
import type { Route } from '../router';
import type { Store } from '../store';
import type { Kind, Opened, Room } from './room';
import { besideOnTrail } from './sources';
import type { Veil } from './veil';
import type { WallRoom } from './wallRoom';

const DISSOLVE_S = 0.12;

interface Parts {
  store: Store;
  timeline: Timeline;
  veil: Veil;
  wall: WallRoom;
  rooms: Record<Kind, Opened>;
  /** Another room is shown. */
  shown(room: Room): void;
  tell(): void;
}

/** What leads from one room to another: which one is shown, what lies beside it, and the dark between them. */
export class Ways {
  room: Room;
  /** Whether one goes from photo to photo as the page's list does, which was left for this one. */
  private onTrail = false;
  /** Whether something else comes already, and only the dark is waited for. */
  private darkens = false;
  private over = false;

  constructor(private readonly parts: Parts) {
    this.room = parts.wall;
  }

  get current(): { kind: Kind; id: string } | null {
    const { rooms } = this.parts;
    const opened = [rooms.photo, rooms.video, rooms.scene].find((one) => one === this.room);
    return opened ? { kind: opened.name, id: opened.id } : null;
  }

  /** Goes to what the page shows. */
  async begin(at: Route): Promise<void> {
    const { store, timeline, wall } = this.parts;
    if (at.view === 'photo' || at.view === 'video') {
      // The wall has the videos of the library too; of an album or a search it knows nothing.
      this.onTrail = store.trail !== timeline;
      wall.goTo(at.id);
      await this.open(at.view, at.id);
    } else if (at.view === 'scene') {
      wall.suit({ view: 'scenes' });
      await this.open('scene', at.id);
    } else {
      wall.suit(at);
      this.show(wall);
    }
  }

  /** Opens what was chosen on the wall. */
  choose(kind: Kind, id: string): void {
    this.onTrail = false;
    void this.open(kind, id);
  }

  /** Opens what lies beside, which may be of the other kind. */
  async goOn(id: string): Promise<void> {
    const { wall } = this.parts;
    const from = this.current?.id ?? '';
    const card = [wall.beside(from, 1), wall.beside(from, -1)].find((one) => one?.id === id);
    await this.open(card?.kind === 'item' ? card.item.kind : 'photo', id);
  }

  /** why: what is said there, where nobody asked to go. */
  toWall(why: string): void {
    const { wall } = this.parts;
    const id = this.current?.id;
    void this.dissolve(() => {
      this.room.close();
      this.show(wall);
      wall.say(why);
      if (id) wall.goTo(id);
    });
  }

  beside(id: string, direction: 1 | -1): string | null {
    const { store, wall } = this.parts;
    const told = besideOnTrail(store.trail, id, direction);
    if (this.onTrail && told !== undefined) return told;
    if (wall.knows(id)) return wall.beside(id, direction)?.id ?? null;
    return told ?? null;
  }

  /** Reads what lies beside a photo, so that one can go on to it. */
  async readBeside(photo: Photo): Promise<void> {
    const { store, wall, tell } = this.parts;
    wall.wantBeside(photo.id);
    if (wall.knows(photo.id) && !this.onTrail) return;
    try {
      await store.trail?.prepare(photo);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    tell();
  }

  /** Dark for a moment, so that nothing jumps before one's eyes. */
  async dissolve(change: () => void): Promise<void> {
    if (this.darkens) return;
    const { veil } = this.parts;
    this.darkens = true;
    await veil.fadeTo(1, DISSOLVE_S);
    this.darkens = false;
    if (this.over) return;
    change();
    await veil.fadeTo(0, DISSOLVE_S);
  }

  /** Nothing is shown any more. */
  end(): void {
    this.over = true;
  }

  private open(kind: Kind, id: string): Promise<void> {
    const { rooms, wall } = this.parts;
    const room = rooms[kind];
    return this.dissolve(() => {
      if (this.room !== room) this.room.close();
      this.show(room);
      void room.open(id);
      wall.wantBeside(id);
    });
  }

  private show(room: Room): void {
    this.room = room;
    this.parts.shown(room);
  }
}
