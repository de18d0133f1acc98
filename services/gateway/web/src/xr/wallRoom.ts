import * as THREE from 'three';
import type { Timeline } from '../gallery/timeline';
import type { Route } from '../router';
import { radians } from './angles';
import { nextRows } from './likings';
import { Panel } from './panel';
import type { Row } from './panelLayout';
import type { Target } from './pointers';
import type { Asked, House, Room } from './room';
import { Library, type Shelf, shelvesFor } from './shelves';
import type { Card, Source } from './sources';
import { texts } from './texts';
import { Voice } from './voice';
import { Wall } from './wall';
import { shapeWall, WALL_TEXT } from './wallLayout';
import { headRows, searchRows, shelfRows } from './wallRows';

const t = texts.shelves;

interface WallRoomActions {
  open(kind: 'photo' | 'video', id: string): void;
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
  readonly reach = 0.8;
  private readonly wall: Wall;
  private readonly library: Library;
  private readonly shelves: Panel;
  private readonly head: Panel;
  private readonly search: Panel;
  private readonly voice: Voice;
  private shelf = 'photos';
  private title: string = t.photos;
  private words = '';
  /** What was shown before one went into an album. */
  private above: { title: string; source: Source; card: string } | null = null;
  private source: Source;

  constructor(
    private readonly house: House,
    timeline: Timeline,
    private readonly wish: GalleryWish,
    private readonly actions: WallRoomActions,
  ) {
    const { api, store } = house;
    this.library = new Library(api, store, timeline);
    this.source = this.library.open('photos');
    this.wall = new Wall(this.shape(), {
      open: (card) => this.choose(card),
      moved: () => this.tell(),
    });
    const press = (id: string) => this.press(id);
    this.shelves = new Panel(
      'shelves',
      { width: 1, text: WALL_TEXT * 0.92 * (1.9 / 2.2) },
      { press },
    );
    this.head = new Panel(
      'head',
      { width: 1.5, text: WALL_TEXT },
      {
        press,
        scrub: (_, part) => part >= 0 && this.wall.goToPart(part),
      },
    );
    this.search = new Panel('search', { width: 1.1, text: WALL_TEXT }, { press });
    this.search.mesh.visible = false;
    this.voice = new Voice({
      words: (words) => {
        this.words = words;
        this.tell();
      },
      state: () => this.tell(),
      said: (words) => this.find(words),
    });
    this.group.add(this.wall.mesh, this.shelves.mesh, this.head.mesh, this.search.mesh);
    this.show(this.source);
    this.arrange();
  }

  /** Shows what the page shows. */
  suit(route: Route): void {
    if (this.house.store.share) return;
    if (route.view === 'album') this.follow(`albums ${route.id}`, t.albums);
    else if (route.view === 'person') this.follow(`people ${route.id}`, t.people);
    else if (route.view === 'search' && route.q) this.find(route.q);
    else if (['albums', 'people', 'memories', 'favourites', 'videos'].includes(route.view))
      this.take(route.view);
  }

  /** Brings a photo to the middle of the wall. */
  goTo(id: string): void {
    this.wall.goTo(id);
  }

  beside(id: string, direction: 1 | -1): Card | null {
    return this.source.beside(id, direction);
  }

  /** Has what lies beside it read, and tells once it is. */
  wantBeside(id: string): void {
    this.source.wantBeside(id);
  }

  knows(id: string): boolean {
    return this.source.indexOf(id) >= 0;
  }

  targets(): Target[] {
    return [this.wall, this.shelves, this.head, this.search];
  }

  step(seconds: number): void {
    this.wall.step(seconds);
  }

  act({ across, back }: Asked): void {
    this.wall.push(across);
    if (back) this.goBack();
  }

  rows(): Row[] {
    return [
      { kind: 'title', text: this.title },
      { kind: 'buttons', buttons: [{ id: 'recentre', label: t.recentre, icon: 'reset' }] },
      { kind: 'buttons', buttons: [{ id: 'exit', label: t.exit, icon: 'signOut' }] },
    ];
  }

  press(id: string): void {
    const { house } = this;
    const { likings } = house;
    const actions: Record<string, () => void> = {
      exit: () => house.leave(),
      recentre: () => house.recentre(),
      rows: () => house.like({ rows: nextRows(likings.rows) }),
      seated: () => house.like({ seated: !likings.seated }),
      left: () => house.like({ leftHanded: !likings.leftHanded }),
      back: () => this.goBack(),
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
    this.tell();
  }

  sleep(asleep: boolean): void {
    if (asleep) this.voice.stop();
  }

  restore(): void {
    this.wall.restore();
  }

  close(): void {
    this.voice.stop();
  }

  dispose(): void {
    this.voice.stop();
    this.source.dispose();
    this.above?.source.dispose();
    this.wall.dispose();
    for (const panel of [this.shelves, this.head, this.search]) panel.dispose();
  }

  facts(): Record<string, string> {
    return {
      xrShelf: this.shelf,
      xrCards: String(this.source.count),
      xrMissing: String(this.wall.missing),
      xrHeard: this.words,
    };
  }

  /** Where something is in the world, by its name. */
  placeOf(name: string): THREE.Vector3 | null {
    for (const panel of [this.shelves, this.head, this.search]) {
      const found = panel.mesh.visible ? panel.middleOf(name) : null;
      if (found) return found;
    }
    return this.wall.placeOf(name);
  }

  private shape() {
    const { rows, seated } = this.house.likings;
    return shapeWall({ ...this.wish, rows, seated });
  }

  /** Puts the panels above and beside the wall. */
  private arrange(): void {
    const { rows, rise, columns, pitch } = this.shape();
    const top = (rows / 2) * rise;
    this.tell();
    this.head.mesh.position.set(0, top + this.head.mesh.scale.y / 2 + 0.04, -2.15);
    this.head.mesh.rotation.set(0.12, 0, 0);
    const aside = Math.min((columns / 2) * pitch + radians(17), radians(84));
    turnAround(this.shelves.mesh, -aside, 1.9, 0);
    turnAround(this.search.mesh, aside, 1.9, 0.1);
  }

  private show(source: Source, from: string | null = null): void {
    this.source = source;
    this.wall.show(source, from);
    source.on('change', () => this.tell());
  }

  private take(shelf: string): void {
    const found = shelvesOf(this.house.store).find(({ id }) => id === shelf);
    if (!found) return;
    this.shelf = shelf;
    this.search.mesh.visible = shelf === 'search';
    if (shelf === 'search') {
      if (this.voice.state === 'ready') this.voice.toggle();
      return;
    }
    this.voice.stop();
    this.drop();
    this.title = found.label;
    this.show(this.library.open(shelf));
  }

  private drop(): void {
    this.above?.source.dispose();
    this.above = null;
    this.source.dispose();
  }

  private choose(card: Card): void {
    if (card.kind === 'item') {
      this.actions.open(card.item.kind, card.id);
      return;
    }
    this.follow(card.id, card.name);
  }

  private follow(way: string, title: string): void {
    this.above = { title: this.title, source: this.source, card: way };
    this.title = title;
    this.show(this.library.follow(way));
    this.tell();
  }

  private goBack(): void {
    const { above } = this;
    if (!above) return;
    this.above = null;
    this.source.dispose();
    this.title = above.title;
    this.show(above.source, above.card);
    this.tell();
  }

  private find(words: string): void {
    this.drop();
    this.title = texts.voice.found(words);
    this.words = words;
    this.show(this.library.search(words));
    this.tell();
  }

  /** With the headset's own keyboard, where it shows one over VR. */
  private type(): void {
    const field = document.createElement('input');
    field.type = 'search';
    field.style.cssText = 'position:fixed;opacity:0;bottom:0';
    document.body.append(field);
    field.addEventListener('input', () => {
      this.words = field.value;
      this.tell();
    });
    const end = () => {
      const words = field.value.trim();
      field.remove();
      if (words) this.find(words);
    };
    field.addEventListener('change', end, { once: true });
    field.addEventListener('blur', end, { once: true });
    field.focus();
  }

  private tell(): void {
    const { source, wall, title, house, shelf, words } = this;
    const { store, likings } = house;
    const label = source.labelAt(wall.middleIndex);
    const isBelow = this.above !== null;
    this.head.show(
      headRows({ title, label, isBelow, source, part: wall.scrolls ? wall.part : null }),
    );
    this.shelves.show(shelfRows(shelvesOf(store), shelf, likings));
    const session = house.renderer.xr.getSession() as Typing | null;
    if (this.search.mesh.visible)
      this.search.show(
        searchRows(this.voice.state, words, session?.isSystemKeyboardSupported ?? false),
      );
    house.tell();
  }
}

/** As far as browsers have it, beyond what the types know. */
type Typing = XRSession & { isSystemKeyboardSupported?: boolean };

const shelvesOf = ({ config, share }: House['store']): Shelf[] =>
  shelvesFor(config?.library ?? 'folder', share !== null);

/** Puts a panel at an angle to the side, turned to the viewer. */
function turnAround(mesh: THREE.Object3D, azimuth: number, distance: number, y: number): void {
  mesh.position.set(Math.sin(azimuth) * distance, y, -Math.cos(azimuth) * distance);
  mesh.rotation.set(0, -azimuth, 0);
}
