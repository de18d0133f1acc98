import * as THREE from 'three';
import type { Timeline } from '../gallery/timeline';
import type { Route } from '../router';
import { around } from './ground';
import { nextRows } from './likings';
import type { Row } from './panelLayout';
import type { Target } from './pointers';
import type { Asked, House, Kind, Room } from './room';
import { Shelving } from './shelving';
import type { Card, Source } from './sources';
import { texts } from './texts';
import { canType, typeWords } from './typing';
import { Voice } from './voice';
import { Wall } from './wall';
import { shapeWall } from './wallLayout';
import { WallPanels } from './wallPanels';

const t = texts.shelves;

interface WallRoomActions {
  open(kind: Kind, id: string): void;
}

/** What the gallery's settings may say, under the names that they have there. */
export interface GalleryWish {
  rowWidth: number;
  thumbnailSize: number;
}

/** The wall of thumbnails, the shelves beside it, and the search by voice. */
export class WallRoom implements Room {
  readonly name = 'wall';
  readonly group = new THREE.Group();
  readonly ground = around(0.8);
  private readonly wall: Wall;
  private readonly shelving: Shelving;
  private readonly panels: WallPanels;
  private readonly voice: Voice;
  private words = '';
  /** Why one was brought here, until something else is wanted. */
  private note = '';
  private off: () => void = () => {};

  constructor(
    private readonly house: House,
    timeline: Timeline,
    private readonly wish: GalleryWish,
    private readonly actions: WallRoomActions,
  ) {
    this.shelving = new Shelving(house, timeline, (source, from) => this.show(source, from));
    this.wall = new Wall(this.shape(), {
      open: (card) => this.choose(card),
      moved: () => this.tell(),
    });
    this.panels = new WallPanels({
      press: (id) => this.press(id),
      goToPart: (part) => this.wall.goToPart(part),
    });
    this.voice = new Voice({
      words: (words) => {
        this.words = words;
        this.tell();
      },
      state: () => this.tell(),
      said: (words) => this.find(words),
    });
    this.group.add(this.wall.mesh, ...this.panels.all.map(({ mesh }) => mesh));
    this.show(this.shelving.source);
    this.arrange();
  }

  /** Shows what the page shows. */
  suit(route: Route): void {
    if (route.view === 'search') this.words = route.q;
    this.shelving.suit(route);
  }

  say(note: string): void {
    this.note = note;
    this.tell();
  }

  /** Brings a photo to the middle of the wall. */
  goTo(id: string): void {
    this.wall.goTo(id);
  }

  beside(id: string, direction: 1 | -1): Card | null {
    return this.shelving.source.beside(id, direction);
  }

  /** Has what lies beside it read, and tells once it is. */
  wantBeside(id: string): void {
    this.shelving.source.wantBeside(id);
  }

  knows(id: string): boolean {
    return this.shelving.source.indexOf(id) >= 0;
  }

  targets(): Target[] {
    return [this.wall, ...this.panels.all];
  }

  step(seconds: number): void {
    this.wall.step(seconds);
  }

  act({ across, back }: Asked): void {
    this.wall.push(across);
    if (back) this.shelving.goBack();
  }

  rows(): Row[] {
    return [
      { kind: 'title', text: this.shelving.title },
      { kind: 'buttons', buttons: [{ id: 'recentre', label: t.recentre, icon: 'reset' }] },
      { kind: 'buttons', buttons: [{ id: 'exit', label: t.exit, icon: 'signOut' }] },
    ];
  }

  press(id: string): void {
    const { house } = this;
    const { likings } = house;
    this.note = '';
    const actions: Record<string, () => void> = {
      exit: () => house.leave(),
      recentre: () => house.recentre(),
      rows: () => house.like({ rows: nextRows(likings.rows) }),
      seated: () => house.like({ seated: !likings.seated }),
      left: () => house.like({ leftHanded: !likings.leftHanded }),
      back: () => this.shelving.goBack(),
      voice: () => this.voice.toggle(),
      type: () => this.type(),
    };
    const act = actions[id];
    if (act) act();
    else this.take(id);
    this.tell();
  }

  /** Something of how one likes the wall has changed. */
  reshape(): void {
    this.wall.reshape(this.shape());
    this.arrange();
  }

  sleep(asleep: boolean): void {
    if (asleep) this.voice.stop();
  }

  restore(): void {
    this.wall.restore();
  }

  close(): void {
    this.note = '';
    this.voice.stop();
  }

  dispose(): void {
    this.off();
    this.voice.stop();
    this.shelving.dispose();
    this.wall.dispose();
    this.panels.dispose();
  }

  facts(): Record<string, string> {
    return {
      xrShelf: this.shelving.shelf,
      xrCards: String(this.shelving.source.count),
      xrMissing: String(this.wall.missing),
      xrHeard: this.words,
    };
  }

  placeOf(name: string): THREE.Vector3 | null {
    return this.panels.placeOf(name) ?? this.wall.placeOf(name);
  }

  private shape() {
    const { rows, seated } = this.house.likings;
    return shapeWall({ ...this.wish, rows, seated });
  }

  /** Puts the panels around the wall, once they are as high as what they say. */
  private arrange(): void {
    this.tell();
    this.panels.arrange(this.shape());
  }

  private show(source: Source, from: string | null = null): void {
    this.wall.show(source, from);
    this.off();
    this.off = source.on('change', () => this.tell());
    this.tell();
  }

  private take(shelf: string): void {
    if (!this.shelving.take(shelf)) return;
    if (shelf !== 'search') this.voice.stop();
    else if (this.voice.state === 'ready') this.voice.toggle();
  }

  private choose(card: Card): void {
    if (card.kind === 'way') this.shelving.follow(card.id, card.name);
    else this.actions.open(card.kind === 'item' ? card.item.kind : 'scene', card.id);
  }

  private find(words: string): void {
    this.words = words;
    this.shelving.find(words);
  }

  private type(): void {
    typeWords({
      words: (words) => {
        this.words = words;
        this.tell();
      },
      done: (words) => this.find(words),
    });
  }

  private tell(): void {
    const { wall, house, voice, words } = this;
    const { shelves, shelf, title, source, isBelow } = this.shelving;
    const label = source.labelAt(wall.middleIndex);
    const part = wall.scrolls ? wall.part : null;
    this.panels.tell(
      { title, label, note: this.note, isBelow, source, part },
      { shelves, chosen: shelf, likings: house.likings },
      shelf === 'search'
        ? { state: voice.state, words, types: canType(house.renderer.xr.getSession()) }
        : null,
    );
    house.tell();
  }
}
