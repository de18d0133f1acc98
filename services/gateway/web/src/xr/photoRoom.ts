import * as THREE from 'three';
import { ApiError } from '../api/client';
import type { Asset, Job, Photo, PhotoDetail, SourceCamera } from '../api/schema';
import { bestAsset, isRough, trustIn } from '../photo/modes';
import { assumedCamera } from '../render/framing';
import type { SplatScene } from '../render/splats';
import { isActive, jobToShow } from '../store';
import { explainRefusal } from '../ui/errors';
import { dayWords } from '../ui/words';
import { Ahead } from './ahead';
import { levelsFor } from './levels';
import { PhotoContent, type Shape } from './photoContent';
import { photoRows } from './photoRows';
import { SCALES, stepScale } from './place';
import { guessProjection } from './projection';
import type { Asked, House, Room } from './room';
import { texts } from './texts';

const t = texts.photo;
/** A photo is looked at so long when they go by by themselves. */
const SLIDE_S = 8;

interface PhotoRoomActions {
  /** The photo beside this one, wherever it was opened from. */
  beside(id: string, direction: 1 | -1): string | null;
  show(id: string): void;
}

/** One photo, as a place that one stands in. */
export class PhotoRoom implements Room {
  readonly name = 'photo';
  readonly group = new THREE.Group();
  id = '';
  private photo: Photo | PhotoDetail | null = null;
  private detail: PhotoDetail | null = null;
  private content: PhotoContent | null = null;
  private cloud: SplatScene | null = null;
  private camera: SourceCamera = assumedCamera(4, 3);
  private picture: HTMLImageElement | null = null;
  private visit = new AbortController();
  private wish: 'flat' | 'deep' = 'deep';
  private scale = 1;
  private note = '';
  private loading = false;
  private playing = false;
  private slid = 0;
  private shown = '';
  private readonly ahead: Ahead;
  private readonly offs: (() => void)[];

  constructor(
    private readonly house: House,
    private readonly actions: PhotoRoomActions,
  ) {
    const { store } = house;
    this.ahead = new Ahead(house.api);
    this.offs = [
      store.on('job', (job) => job.photo_id === this.id && this.onJob(job)),
      store.on('assets', ({ photoId }) => photoId === this.id && void this.reread()),
      store.on('photo', (id) => id === this.id && house.tell()),
    ];
  }

  get reach(): number {
    return this.content?.place.reach ?? 0.25;
  }

  get shape(): Shape {
    return this.content?.shape ?? 'screen';
  }

  async open(id: string): Promise<void> {
    this.visit.abort();
    this.visit = new AbortController();
    const { signal } = this.visit;
    const { house } = this;
    // What the photo before took is given back before anything of this one is loaded.
    this.content?.dispose();
    this.content = new PhotoContent(house.renderer, () => this.spark(), house.budget);
    this.group.add(this.content.group);
    this.id = id;
    this.detail = null;
    this.photo = house.store.photos.get(id) ?? null;
    this.picture = null;
    this.note = this.shown = '';
    this.slid = 0;
    this.scale = 1;
    house.surround.frame(null);
    house.settle();
    house.tell();
    try {
      if (this.photo) await this.showThumbnail(this.photo, signal);
      const detail = await house.store.openPhoto(id);
      if (signal.aborted) return;
      this.photo = this.detail = detail;
      this.camera = cameraOf(detail);
      await this.showPreview(detail, signal);
      await this.deepen(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.say(error instanceof ApiError ? explainRefusal(error).title : t.broken);
    }
    if (!signal.aborted) void this.ahead.prepare(this.besides());
  }

  targets() {
    return [];
  }

  step(seconds: number, head: THREE.Vector3): void {
    this.content?.step(seconds, head);
    if (!this.playing || this.loading || !this.picture) return;
    this.slid += seconds;
    if (this.slid >= SLIDE_S) this.go(1);
  }

  act({ step, back }: Asked): void {
    if (step !== 0) this.go(step);
    if (back) this.house.toWall();
  }

  rows() {
    const { photo, detail, house } = this;
    const job = photo && jobToShow(house.store.photos.get(this.id) ?? photo);
    const known = house.store.photos.get(this.id);
    return photoRows({
      name: photo?.name ?? '',
      date: photo ? dayWords(photo.taken_at) : '',
      note: this.note || (this.loading ? t.loading : ''),
      hasPrevious: this.actions.beside(this.id, -1) !== null,
      hasNext: this.actions.beside(this.id, 1) !== null,
      playing: this.playing,
      isDeep: this.shape === 'splat' || this.shape === 'depth',
      canBeDeep: this.deepAsset() !== null,
      quality: house.likings.quality,
      scale: this.scale,
      job: isActive(job) ? job : null,
      canMake: Boolean(detail) && !house.store.share && !bestAsset(detail?.assets ?? [], 'splat'),
      favourite:
        house.store.share || !(known?.mine ?? photo?.mine) ? null : (known?.favorite ?? false),
    });
  }

  press(id: string): void {
    const { house } = this;
    const actions: Record<string, () => void> = {
      previous: () => this.go(-1),
      next: () => this.go(1),
      play: () => {
        this.playing = !this.playing;
        this.slid = 0;
      },
      flat: () => this.choose('flat'),
      deep: () => this.choose('deep'),
      quality: () => this.nextQuality(),
      smaller: () => this.resize(stepScale(this.scale, -1)),
      larger: () => this.resize(stepScale(this.scale, 1)),
      life: () => this.resize(1),
      make: () => void this.make(),
      favourite: () => void this.favour(),
      recentre: () => house.recentre(),
      wall: () => house.toWall(),
      exit: () => house.leave(),
    };
    actions[id]?.();
    house.tell();
  }

  /** Splats are more than the device can do: the picture alone. */
  giveUp(): void {
    this.choose('flat');
    this.say(t.slow);
  }

  sleep(): void {}

  restore(): void {
    // What Spark had on the device cannot be brought back: it is made anew.
    this.cloud = null;
    void this.open(this.id);
  }

  /** Another level is wanted. */
  relevel(): void {
    if (this.shape === 'splat') void this.deepen(this.visit.signal);
  }

  close(): void {
    this.visit.abort();
    this.playing = false;
    this.content?.dispose();
    this.content = null;
    this.house.surround.frame(null);
  }

  dispose(): void {
    this.close();
    for (const off of this.offs) off();
    this.ahead.dispose();
    void this.releaseCloud();
  }

  facts(): Record<string, string> {
    return {
      xrPhoto: this.id,
      xrShape: this.picture ? this.shape : '',
      xrSplats: String(this.content?.count ?? 0),
      xrLevel: this.shown,
      xrReach: this.reach.toFixed(3),
      xrScale: (this.content?.place.scale ?? 1).toFixed(3),
    };
  }

  private async releaseCloud(): Promise<void> {
    await this.cloud?.idle();
    this.cloud?.dispose();
    this.cloud = null;
  }

  private async spark(): Promise<SplatScene> {
    if (this.cloud) return this.cloud;
    const { SplatScene } = await import('../render/splats');
    this.cloud ??= new SplatScene(this.house.renderer, this.house.budget, () => {});
    return this.cloud;
  }

  private go(direction: 1 | -1): void {
    const id = this.actions.beside(this.id, direction);
    if (id) this.actions.show(id);
    else this.playing = false;
  }

  private besides(): string[] {
    const both = [this.actions.beside(this.id, 1), this.actions.beside(this.id, -1)];
    return both.filter((id): id is string => id !== null);
  }

  private async showThumbnail(photo: Photo, signal: AbortSignal): Promise<void> {
    if (!photo.width || !photo.height) return;
    this.camera = assumedCamera(photo.width, photo.height);
    try {
      const image = await this.image(this.house.api.thumbnailUrl(photo));
      if (!signal.aborted) this.hang(image);
    } catch {
      // The sharp one comes.
    }
  }

  private async showPreview(detail: PhotoDetail, signal: AbortSignal): Promise<void> {
    const image = await this.image(this.house.api.previewUrl(detail.id));
    if (signal.aborted) return;
    this.picture = image;
    if (!detail.width)
      this.camera = cameraOf({ ...detail, width: image.naturalWidth, height: image.naturalHeight });
    this.hang(image);
    this.house.tell();
  }

  private hang(image: HTMLImageElement): void {
    const { name = '', width = null, height = null, projection = null } = this.photo ?? {};
    this.content?.showPicture(
      image,
      this.camera,
      guessProjection({ name, width, height, projection }),
    );
    this.house.surround.suit(image, this.camera);
  }

  private async image(address: string): Promise<HTMLImageElement> {
    const image = new Image();
    image.src = address;
    await image.decode();
    return image;
  }

  /** What 3D there is that can be trusted; a guess is none. */
  private deepAsset(): Asset | null {
    const assets = this.detail?.assets ?? [];
    const splat = bestAsset(assets, 'splat');
    const depth = bestAsset(assets, 'depth');
    return [splat, depth].find((asset) => asset && !isRough(asset)) ?? null;
  }

  /** Goes on to the best that is wished for and there. */
  private async deepen(signal: AbortSignal): Promise<void> {
    const { content, picture, house, detail } = this;
    if (!content || !picture || content.shape === 'stereo') return;
    const asset = this.deepAsset();
    if (this.wish === 'flat' || !asset) {
      content.showScreen(this.camera);
      house.surround.frame(null);
      if (!asset && bestAsset(detail?.assets ?? [], 'splat')) this.say(t.rough);
      house.tell();
      return;
    }
    this.note = '';
    this.loading = true;
    house.tell();
    try {
      if (asset.kind === 'splat') await this.showSplats(asset, signal);
      else await this.showLayers(asset, picture, signal);
    } finally {
      if (!signal.aborted) this.loading = false;
    }
    house.tell();
  }

  private async showLayers(
    asset: Asset,
    picture: HTMLImageElement,
    signal: AbortSignal,
  ): Promise<void> {
    const read = (path: string) => this.image(this.house.api.url(path));
    const trust = trustIn(asset);
    const done = await this.content?.showDepth(
      asset,
      picture,
      this.camera,
      trust,
      this.scale,
      read,
      signal,
    );
    if (done) this.frame('layers');
  }

  private async showSplats(asset: Asset, signal: AbortSignal): Promise<void> {
    const levels = levelsFor(asset.files, this.house.splats(), this.house.likings.quality);
    if (levels.length === 0) throw new Error('nothing of this can be shown here');
    for (const file of levels) {
      const isLast = file === levels.at(-1);
      if (this.shown === file.name && !isLast) continue;
      const bytes = await this.ahead.bytes(this.id, file.url, signal);
      const done = await this.content?.showSplats(
        bytes,
        file.name,
        asset,
        this.camera,
        trustIn(asset),
        this.scale,
        signal,
      );
      if (!done) return;
      this.frame(file.variant || file.name);
      this.house.tell();
    }
  }

  private frame(shown: string): void {
    this.shown = shown;
    this.house.surround.frame(this.content?.distance ?? null);
    this.house.settle();
  }

  private choose(wish: 'flat' | 'deep'): void {
    this.wish = wish;
    this.note = '';
    void this.deepen(this.visit.signal).catch(() => this.say(t.broken));
  }

  private resize(scale: number): void {
    if (!SCALES.includes(scale) || scale === this.scale) return;
    this.scale = scale;
    void this.deepen(this.visit.signal).catch(() => this.say(t.broken));
  }

  private nextQuality(): void {
    const order = ['auto', 'light', 'full'] as const;
    const at = order.indexOf(this.house.likings.quality);
    this.house.like({ quality: order[(at + 1) % order.length] ?? 'auto' });
    void this.deepen(this.visit.signal).catch(() => this.say(t.broken));
  }

  private async make(): Promise<void> {
    const { api, store } = this.house;
    try {
      store.applyJob(await api.makeSplat(this.id, false));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.say(explainRefusal(error).title);
    }
  }

  private async favour(): Promise<void> {
    const { api, store } = this.house;
    const { id } = this;
    const wanted = !store.photos.get(id)?.favorite;
    store.applyFavourite(id, wanted);
    try {
      await api.setFavourite('photo', id, wanted);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      store.applyFavourite(id, !wanted);
      this.say(explainRefusal(error).title);
    }
  }

  private onJob(job: Job): void {
    if (job.state === 'failed') this.say(t.notMade);
    this.house.tell();
  }

  private async reread(): Promise<void> {
    const { id } = this;
    const { signal } = this.visit;
    try {
      const detail = await this.house.store.openPhoto(id);
      if (signal.aborted) return;
      this.detail = detail;
      this.camera = cameraOf(detail);
      await this.deepen(signal);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private say(note: string): void {
    this.note = note;
    this.house.tell();
  }
}

function cameraOf(photo: PhotoDetail): SourceCamera {
  const told = bestAsset(photo.assets, 'splat')?.camera ?? bestAsset(photo.assets, 'depth')?.camera;
  return told ?? assumedCamera(photo.width ?? 4, photo.height ?? 3);
}
