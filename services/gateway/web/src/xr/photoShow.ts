import type * as THREE from 'three';
import type { Asset, Photo, PhotoDetail, SourceCamera } from '../api/schema';
import { type Crop, cropOf, WHOLE } from '../photo/crop';
import { bestAsset, isRough, trustIn } from '../photo/modes';
import { cropTold, isAllAround } from '../photo/sphere';
import { assumedCamera } from '../render/framing';
import { decoded } from '../ui/decoding';
import { Ahead } from './ahead';
import { levelsFor, levelsToLoad } from './levels';
import { pressedLie } from './lieButtons';
import { PhotoContent, type Shape } from './photoContent';
import { guessProjection, PLAIN, type Projection } from './projection';
import type { House } from './room';
import { seenBy } from './twoEyes';

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
  private picture: HTMLImageElement | null = null;
  private camera: SourceCamera = assumedCamera(4, 3);
  private photo: Photo | null = null;
  private assets: Asset[] = [];
  /** How the picture lies: as the library, or what it shows, tells; or as somebody said. */
  projection: Projection = PLAIN;
  /** Whether that was told by what the picture shows alone. */
  private isSeen = false;
  /** Which part of all directions it shows, where it lies all around. */
  private crop: Crop = WHOLE;
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
    this.content = new PhotoContent(house.renderer, house.cloud.get, house.budget);
    this.group.add(this.content.group);
    this.assets = [];
    this.projection = PLAIN;
    this.isSeen = false;
    this.crop = WHOLE;
    this.scale = 1;
    this.level = this.shown = '';
    house.settle();
  }

  async showThumbnail(photo: Photo, signal: AbortSignal): Promise<void> {
    if (!photo.width || !photo.height) return;
    this.photo = photo;
    this.camera = assumedCamera(photo.width, photo.height);
    this.projection = toldOf(photo);
    try {
      const image = await decoded(this.house.api.thumbnailUrl(photo));
      if (!signal.aborted) this.hang(image);
    } catch {
      // The sharp one comes.
    }
  }

  /** Shows the sharp picture. Throws where it cannot be read. */
  async showPreview(detail: PhotoDetail, signal: AbortSignal): Promise<void> {
    this.take(detail);
    const { api } = this.house;
    const [image, cropFor] = await Promise.all([
      decoded(api.previewUrl(detail.id)),
      isAllAround(detail) ? cropTold(api, detail, signal) : cropByShape,
    ]);
    if (signal.aborted) return;
    this.crop = cropFor(image);
    this.picture = image;
    if (!detail.width) this.camera = assumedCamera(image.naturalWidth, image.naturalHeight);
    this.look(detail, image);
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
    // Whoever made 3D of it took it for one picture.
    if (this.isSeen && deepAsset && this.photo) this.reproject(toldOf(this.photo));
    if (!content || !picture || content.shape === 'stereo') return;
    if (this.wish === 'flat' || !deepAsset) {
      this.shown = '';
      content.showScreen(this.camera);
      house.surround.unframe();
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

  /** Hangs the picture as somebody says that it lies. Only a flat one for both eyes has depth beside it. */
  reproject(projection: Projection): void {
    this.projection = projection;
    this.isSeen = false;
    this.shown = '';
    this.house.surround.unframe();
    if (this.picture) this.hang(this.picture);
  }

  /** How the picture lies once this button is pressed; null for any other. */
  pressedLie(id: string): Projection | null {
    const { naturalWidth, naturalHeight } = this.picture ?? { naturalWidth: 0, naturalHeight: 0 };
    return naturalWidth ? pressedLie(id, this.projection, naturalWidth, naturalHeight) : null;
  }

  /** Shows what is there larger or smaller, and what comes. */
  resize(scale: number): void {
    this.scale = scale;
    if (!this.content?.resize(scale)) return;
    this.house.surround.frame(this.content.distance, this.content.group.quaternion);
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
    this.house.surround.unframe();
  }

  /** The device was lost, and with it what was shown. */
  forgetShown(): void {
    this.shown = '';
  }

  dispose(): void {
    this.drop();
    this.ahead.dispose();
  }

  /** How the picture lies, as far as the library tells; else, where there is no 3D of it, by what it shows. */
  private look(detail: PhotoDetail, image: HTMLImageElement): void {
    const told = toldOf(detail);
    const { naturalWidth, naturalHeight } = image;
    this.projection = this.deepAsset ? told : seenBy(told, image, naturalWidth, naturalHeight);
    this.isSeen = this.projection !== told;
  }

  private hang(image: HTMLImageElement): void {
    this.content?.showPicture(image, this.camera, this.projection, this.crop);
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
    const file = (path: string) => decoded(house.api.url(path));
    const trust = trustIn(asset);
    const about = { asset, camera, trust, wish: () => this.scale };
    if (await content.showDepth(picture, about, file, signal)) {
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
    for (const { url, name, variant } of levelsToLoad(levels, result, this.shown)) {
      const bytes = await this.ahead.bytes(this.photo?.id ?? '', url, signal);
      const about = { asset, camera, trust, wish: () => this.scale };
      if (!(await content.showSplats(bytes, name, about, this.shown.startsWith(result), signal)))
        return;
      this.shown = result + url;
      this.frame(variant || name);
    }
  }

  private frame(level: string): void {
    this.level = level;
    if (this.content)
      this.house.surround.frame(this.content.distance, this.content.group.quaternion);
    this.house.settle();
    this.house.tell();
  }
}

const cropByShape = ({ naturalWidth, naturalHeight }: HTMLImageElement): Crop =>
  cropOf('', naturalWidth, naturalHeight);

const toldOf = ({ name, width, height, projection }: Photo): Projection =>
  guessProjection({ kind: 'photo', name, width, height, projection });

function cameraOf(photo: PhotoDetail): SourceCamera {
  const told = bestAsset(photo.assets, 'splat')?.camera ?? bestAsset(photo.assets, 'depth')?.camera;
  return told ?? assumedCamera(photo.width ?? 4, photo.height ?? 3);
}
