import type * as THREE from 'three';
import type { Asset, Photo, PhotoDetail, SourceCamera } from '../api/schema';
import { bestAsset, isRough, trustIn } from '../photo/modes';
import { assumedCamera } from '../render/framing';
import type { SplatScene } from '../render/splats';
import { Ahead } from './ahead';
import { levelsFor } from './levels';
import { PhotoContent, type Shape } from './photoContent';
import { guessProjection } from './projection';
import type { House } from './room';

/** What of a photo is on its way, or there: its picture at once, then the best of its 3D that is wished for. */
export class PhotoShow {
  readonly ahead: Ahead;
  wish: 'flat' | 'deep' = 'deep';
  scale = 1;
  loading = false;
  /** Which level is shown. */
  level = '';
  /** Which file of which result is shown as splats. */
  private shown = '';
  private content: PhotoContent | null = null;
  private cloud: SplatScene | null = null;
  private picture: HTMLImageElement | null = null;
  private camera: SourceCamera = assumedCamera(4, 3);
  private photo: Photo | null = null;
  private assets: Asset[] = [];
  private deepening = new AbortController();

  constructor(
    private readonly house: House,
    private readonly group: THREE.Group,
  ) {
    this.ahead = new Ahead(house.api);
  }

  get shape(): Shape {
    return this.content?.shape ?? 'screen';
  }

  get isDeep(): boolean {
    return this.shape === 'splat' || this.shape === 'depth';
  }

  get reach(): number {
    return this.content?.place.reach ?? 0.25;
  }

  get placeScale(): number {
    return this.content?.place.scale ?? 1;
  }

  get splats(): number {
    return this.content?.count ?? 0;
  }

  /** Whether the sharp picture is there. */
  get isSharp(): boolean {
    return this.picture !== null;
  }

  /** What 3D there is that can be trusted; a guess is none. */
  get deepAsset(): Asset | null {
    const both = [bestAsset(this.assets, 'splat'), bestAsset(this.assets, 'depth')];
    return both.find((asset) => asset && !isRough(asset)) ?? null;
  }

  /** Whether it has 3D, of which nothing is shown because it was guessed. */
  get isGuess(): boolean {
    return this.deepAsset === null && bestAsset(this.assets, 'splat') !== null;
  }

  /** Begins with another photo. What the one before took is given back before anything of this one is loaded. */
  begin(): void {
    this.drop();
    const { house } = this;
    this.content = new PhotoContent(house.renderer, () => this.spark(), house.budget);
    this.group.add(this.content.group);
    this.assets = [];
    this.scale = 1;
    this.level = this.shown = '';
    house.settle();
  }

  async showThumbnail(photo: Photo, signal: AbortSignal): Promise<void> {
    if (!photo.width || !photo.height) return;
    this.photo = photo;
    this.camera = assumedCamera(photo.width, photo.height);
    try {
      const image = await read(this.house.api.thumbnailUrl(photo));
      if (!signal.aborted) this.hang(image);
    } catch {
      // The sharp one comes.
    }
  }

  /** Shows the sharp picture. Throws where it cannot be read. */
  async showPreview(detail: PhotoDetail, signal: AbortSignal): Promise<void> {
    this.take(detail);
    const image = await read(this.house.api.previewUrl(detail.id));
    if (signal.aborted) return;
    this.picture = image;
    if (!detail.width) this.camera = assumedCamera(image.naturalWidth, image.naturalHeight);
    this.hang(image);
  }

  /** Takes in what there is of the photo. */
  take(detail: PhotoDetail): void {
    this.photo = detail;
    this.assets = detail.assets;
    this.camera = cameraOf(detail);
  }

  /** Goes on to the best that is wished for and there; of several wishes, the last counts. */
  async deepen(visit: AbortSignal): Promise<void> {
    this.deepening.abort();
    this.deepening = new AbortController();
    this.loading = false;
    const signal = AbortSignal.any([visit, this.deepening.signal]);
    const { content, picture, house, deepAsset } = this;
    if (!content || !picture || content.shape === 'stereo') return;
    if (this.wish === 'flat' || !deepAsset) {
      this.shown = '';
      content.showScreen(this.camera);
      house.surround.frame(null);
      return;
    }
    this.loading = true;
    house.tell();
    try {
      if (deepAsset.kind === 'splat') await this.showSplats(content, deepAsset, signal);
      else await this.showLayers(content, deepAsset, picture, signal);
    } catch (error) {
      // What was given up for something else is no failure.
      if (!signal.aborted) throw error;
    } finally {
      if (!signal.aborted) this.loading = false;
    }
  }

  /** Shows what is there larger or smaller, and what comes. */
  resize(scale: number): void {
    this.scale = scale;
    if (!this.content?.resize(scale)) return;
    this.house.surround.frame(this.content.distance);
    this.house.settle();
  }

  step(seconds: number, head: THREE.Vector3): void {
    this.content?.step(seconds, head);
  }

  drop(): void {
    this.deepening.abort();
    this.content?.dispose();
    this.content = null;
    this.picture = null;
    this.loading = false;
    this.house.surround.frame(null);
  }

  /** The device was lost: what Spark had there cannot be brought back, and is made anew. */
  forgetDevice(): void {
    this.shown = '';
    this.cloud = null;
  }

  dispose(): void {
    this.drop();
    this.ahead.dispose();
    void this.releaseCloud();
  }

  private hang(image: HTMLImageElement): void {
    const { name = '', width = null, height = null, projection = null } = this.photo ?? {};
    const projected = guessProjection({ kind: 'photo', name, width, height, projection });
    this.content?.showPicture(image, this.camera, projected);
    this.house.surround.suit(image, this.camera);
    this.house.tell();
  }

  private async showLayers(
    content: PhotoContent,
    asset: Asset,
    picture: HTMLImageElement,
    signal: AbortSignal,
  ): Promise<void> {
    const { camera, house } = this;
    const file = (path: string) => read(house.api.url(path));
    const trust = trustIn(asset);
    if (await content.showDepth(asset, picture, camera, trust, () => this.scale, file, signal)) {
      this.shown = '';
      this.frame('layers');
    }
  }

  private async showSplats(
    content: PhotoContent,
    asset: Asset,
    signal: AbortSignal,
  ): Promise<void> {
    const { camera, house } = this;
    const levels = levelsFor(asset.files, house.splats(), house.likings.quality);
    if (levels.length === 0) throw new Error('nothing of this can be shown here');
    const trust = trustIn(asset);
    const result = `${asset.key} ${asset.created_at} `;
    // Who has another level of it before the eyes goes to the last at once.
    const isAnother = this.shown.startsWith(result);
    for (const { url, name, variant } of isAnother ? levels.slice(-1) : levels) {
      if (result + url === this.shown) continue;
      const bytes = await this.ahead.bytes(this.photo?.id ?? '', url, signal);
      const wish = () => this.scale;
      if (!(await content.showSplats(bytes, name, asset, camera, trust, wish, signal))) return;
      this.shown = result + url;
      this.frame(variant || name);
    }
  }

  private frame(level: string): void {
    this.level = level;
    this.house.surround.frame(this.content?.distance ?? null);
    this.house.settle();
    this.house.tell();
  }

  private async spark(): Promise<SplatScene> {
    if (this.cloud) return this.cloud;
    const { SplatScene } = await import('../render/splats');
    this.cloud ??= new SplatScene(this.house.renderer, this.house.budget, () => {});
    return this.cloud;
  }

  private async releaseCloud(): Promise<void> {
    await this.cloud?.idle();
    this.cloud?.dispose();
    this.cloud = null;
  }
}

async function read(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

function cameraOf(photo: PhotoDetail): SourceCamera {
  const told = bestAsset(photo.assets, 'splat')?.camera ?? bestAsset(photo.assets, 'depth')?.camera;
  return told ?? assumedCamera(photo.width ?? 4, photo.height ?? 3);
}
