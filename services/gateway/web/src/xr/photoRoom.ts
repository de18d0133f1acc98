import * as THREE from 'three';
import { ApiError } from '../api/client';
import type { Job, Photo, PhotoDetail } from '../api/schema';
import { bestAsset } from '../photo/modes';
import { isActive, jobToShow } from '../store';
import { explainRefusal } from '../ui/errors';
import { dayWords } from '../ui/words';
import { around, type Ground } from './ground';
import { nextQuality } from './likings';
import { favour, make } from './photoDeeds';
import { photoRows } from './photoRows';
import { PhotoShow } from './photoShow';
import { SCALES, stepScale } from './place';
import type { Asked, House, Opened } from './room';
import { Slides } from './slides';
import { texts } from './texts';

const t = texts.photo;

interface PhotoRoomActions {
  /** The photo beside this one, wherever it was opened from. */
  beside(id: string, direction: 1 | -1): string | null;
  show(id: string): void;
  /** Has what lies beside a photo read. */
  readBeside(photo: Photo): Promise<void>;
}

/** One photo, as a place that one stands in. */
export class PhotoRoom implements Opened {
  readonly name = 'photo';
  readonly group = new THREE.Group();
  id = '';
  private readonly what: PhotoShow;
  private photo: Photo | PhotoDetail | null = null;
  private detail: PhotoDetail | null = null;
  private visit = new AbortController();
  private note = '';
  private readonly slides = new Slides();
  private failed = false;
  private readonly offs: (() => void)[];

  constructor(
    private readonly house: House,
    private readonly actions: PhotoRoomActions,
  ) {
    const { store } = house;
    this.what = new PhotoShow(house, this.group);
    this.offs = [
      store.on('job', (job) => job.photo_id === this.id && this.onJob(job)),
      store.on('assets', ({ photoId }) => photoId === this.id && void this.reread()),
      store.on('photo', (id) => id === this.id && house.tell()),
    ];
  }

  get ground(): Ground {
    return around(this.what.reach);
  }

  async open(id: string): Promise<void> {
    this.visit.abort();
    this.visit = new AbortController();
    const { signal } = this.visit;
    const { house, what } = this;
    what.begin();
    this.id = id;
    this.detail = null;
    this.photo = house.store.photos.get(id) ?? null;
    this.note = '';
    this.failed = false;
    this.slides.begin();
    house.tell();
    try {
      if (this.photo) await what.showThumbnail(this.photo, signal);
      const detail = await house.store.openPhoto(id);
      if (signal.aborted) return;
      this.photo = this.detail = detail;
      void this.actions.readBeside(detail);
      await what.showPreview(detail, signal);
      await this.deepen();
    } catch (error) {
      if (signal.aborted) return;
      this.failed = true;
      this.say(error instanceof ApiError ? explainRefusal(error).title : t.broken);
    }
    if (!signal.aborted) void what.ahead.prepare(this.besides());
  }

  targets() {
    return [];
  }

  step(seconds: number, head: THREE.Vector3): void {
    this.what.step(seconds, head);
    const isStill = this.failed || (this.what.isSharp && !this.what.loading);
    if (this.slides.step(seconds, isStill)) this.go(1);
  }

  act({ step, back }: Asked): void {
    if (step !== 0) this.go(step);
    if (back) this.house.toWall();
  }

  rows() {
    const { photo, detail, house, what } = this;
    const known = house.store.photos.get(this.id);
    const shown = known ?? photo;
    const job = shown && jobToShow(shown);
    const isMine = !house.store.share && shown?.mine;
    return photoRows({
      name: photo?.name ?? '',
      date: photo ? dayWords(photo.taken_at) : '',
      note: this.note || (what.loading ? t.loading : ''),
      hasPrevious: this.actions.beside(this.id, -1) !== null,
      hasNext: this.actions.beside(this.id, 1) !== null,
      playing: this.slides.playing,
      isDeep: what.isDeep,
      canBeDeep: what.deepAsset !== null,
      quality: house.likings.quality,
      scale: what.scale,
      projection: what.projection,
      job: isActive(job) ? job : null,
      canMake: Boolean(detail) && !house.store.share && !bestAsset(detail?.assets ?? [], 'splat'),
      favourite: isMine ? (known?.favorite ?? false) : null,
    });
  }

  press(id: string): void {
    const { house, what } = this;
    const actions: Record<string, () => void> = {
      previous: () => this.go(-1),
      next: () => this.go(1),
      play: () => this.slides.toggle(),
      flat: () => this.choose('flat'),
      deep: () => this.choose('deep'),
      quality: () => this.nextQuality(),
      smaller: () => this.resize(stepScale(what.scale, -1)),
      larger: () => this.resize(stepScale(what.scale, 1)),
      life: () => this.resize(1),
      make: () => void this.ask(make(house, this.id)),
      favourite: () => void this.ask(favour(house, this.id)),
      recentre: () => house.recentre(),
      wall: () => house.toWall(),
      exit: () => house.leave(),
    };
    actions[id]?.();
    const lie = what.pressedLie(id);
    if (lie) {
      what.reproject(lie);
      this.goDeeper();
    }
    house.tell();
  }

  /** Splats are more than the device can do: the picture alone. */
  giveUp(): void {
    this.choose('flat');
    this.say(t.slow);
  }

  sleep(): void {}

  restore(): void {
    this.what.forgetShown();
    void this.open(this.id);
  }

  /** Another level is wanted. */
  relevel(): void {
    if (this.what.shape === 'splat') this.goDeeper();
  }

  close(): void {
    this.visit.abort();
    this.slides.stop();
    this.what.drop();
  }

  dispose(): void {
    this.close();
    for (const off of this.offs) off();
    this.what.dispose();
  }

  facts(): Record<string, string> {
    const { what } = this;
    return {
      xrPhoto: this.id,
      xrShape: what.isSharp ? what.shape : '',
      xrSplats: String(what.splats),
      xrLevel: what.level,
      xrReach: what.reach.toFixed(3),
      xrScale: what.placeScale.toFixed(3),
      xrLayout: what.projection.layout,
    };
  }

  private go(direction: 1 | -1): void {
    const id = this.actions.beside(this.id, direction);
    this.slides.begin();
    if (id) this.actions.show(id);
    else this.slides.stop();
  }

  private besides(): string[] {
    const both = [this.actions.beside(this.id, 1), this.actions.beside(this.id, -1)];
    return both.filter((id): id is string => id !== null);
  }

  private async deepen(): Promise<void> {
    this.note = '';
    await this.what.deepen(this.visit.signal);
    if (this.what.isGuess) this.note = t.rough;
    this.house.tell();
  }

  private goDeeper(): void {
    void this.deepen().catch(() => this.say(t.broken));
  }

  private choose(wish: 'flat' | 'deep'): void {
    this.what.wish = wish;
    this.goDeeper();
  }

  private resize(scale: number): void {
    if (!SCALES.includes(scale) || scale === this.what.scale) return;
    this.what.resize(scale);
  }

  private nextQuality(): void {
    const { house } = this;
    house.like({ quality: nextQuality(house.likings.quality) });
    this.goDeeper();
  }

  /** Asks the server for something, and says why where it refuses. */
  private async ask(deed: Promise<string | null>): Promise<void> {
    const refusal = await deed;
    if (refusal) this.say(refusal);
  }

  private onJob(job: Job): void {
    if (job.state === 'failed') this.say(t.notMade);
    this.house.tell();
  }

  private async reread(): Promise<void> {
    const { signal } = this.visit;
    try {
      const detail = await this.house.store.openPhoto(this.id);
      if (signal.aborted) return;
      this.detail = detail;
      this.what.take(detail);
      await this.deepen();
    } catch (error) {
      if (signal.aborted) return;
      this.say(error instanceof ApiError ? explainRefusal(error).title : t.broken);
    }
  }

  private say(note: string): void {
    this.note = note;
    this.house.tell();
  }
}
