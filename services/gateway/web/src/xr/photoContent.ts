import * as THREE from 'three';
import type { Asset, SourceCamera } from '../api/schema';
import type { Crop } from '../photo/crop';
import { depthOf } from '../photo/depthFiles';
import { DepthScene } from '../render/depth';
import type { SplatScene } from '../render/splats';
import { asGravity, levelling } from './level';
import { pictureTexture } from './paint';
import { type Measured, type PlaceOf, placePhoto, presenceAt } from './place';
import { isPlain, PLAIN, type Projection } from './projection';
import { Screen, spreadOfFilm } from './screen';
import { spreadOf } from './screenShape';

/** A photo whose depth is only guessed, or not there, hangs this far away and is bent so much. */
const SCREEN_DISTANCE = 2.5;
const SCREEN_CURVE = 0.45;
const FEATHER = 0.02;
const GRID_COLUMNS = 448;
const GRID_COLUMNS_WITH_BUDGET = 128;
const FADE_S = 0.45;
/** Splats are made fainter in so many steps: each takes Spark some work. */
const PRESENCE_STEPS = 16;

/** stereo: a picture that is made for two eyes, or all around. */
export type Shape = 'screen' | 'stereo' | 'depth' | 'splat';

/** What is known of a photo's depth. wish: how large it is wished for by the time it is there. */
export interface About {
  asset: Asset;
  camera: SourceCamera;
  /** How well its depth is known, 0 to 1. */
  trust: number;
  wish: () => number;
}

/** What is drawn of one photo: its picture on a screen, and in its place its depth layers or its splats. */
export class PhotoContent {
  readonly group = new THREE.Group();
  shape: Shape = 'screen';
  place: PlaceOf = { scale: 1, reach: 0.25 };
  /** How far away the middle of what is shown is. */
  distance = SCREEN_DISTANCE;
  private screen: Screen | null = null;
  private depth: DepthScene | null = null;
  private cloud: SplatScene | null = null;
  private camera: SourceCamera | null = null;
  private presence = 1;
  private seen = 1;
  private measured: (Measured & { camera: SourceCamera }) | null = null;

  constructor(
    private readonly renderer: THREE.WebGLRenderer,
    /** Made once, for all photos. */
    private readonly splats: () => Promise<SplatScene>,
    private readonly budget: number | null,
  ) {}

  /** How many splats the last frame drew. */
  get count(): number {
    return this.shape === 'splat' ? (this.cloud?.count ?? 0) : 0;
  }

  /** Hangs the photo's picture before the viewer, or all around where it is of that kind. */
  showPicture(
    image: HTMLImageElement,
    camera: SourceCamera,
    projection: Projection,
    crop: Crop,
  ): void {
    this.screen?.dispose();
    this.screen = new Screen(pictureTexture(image));
    this.group.add(this.screen.group);
    if (!isPlain(projection)) {
      this.dropDeep();
      this.shape = 'stereo';
      if (projection.shape !== 'flat') this.screen.showAround(projection, crop);
      else
        this.screen.showBefore(
          spreadOfFilm(projection, camera.width, camera.height),
          SCREEN_DISTANCE,
          0,
          projection,
        );
      return;
    }
    if (this.shape === 'stereo') this.shape = 'screen';
    const isDeep = this.shape === 'depth' || this.shape === 'splat';
    const curve = isDeep ? 0 : SCREEN_CURVE;
    const distance = isDeep ? this.distance : SCREEN_DISTANCE;
    this.screen.showBefore(spreadOf(camera), distance, curve, PLAIN, isDeep ? 0 : FEATHER);
    this.screen.setOpacity(isDeep ? this.screenOpacity : 1);
  }

  /** Only the picture from now on. */
  showScreen(camera: SourceCamera): void {
    this.dropDeep();
    if (this.shape === 'stereo') return;
    this.shape = 'screen';
    this.seen = 1;
    this.distance = SCREEN_DISTANCE;
    this.screen?.showBefore(spreadOf(camera), SCREEN_DISTANCE, SCREEN_CURVE, PLAIN, FEATHER);
    this.screen?.setOpacity(1);
  }

  async showDepth(
    colour: HTMLImageElement,
    { asset, camera, trust, wish }: About,
    read: (path: string) => Promise<HTMLImageElement>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const source = await depthOf(colour, asset, camera, read);
    if (!source || signal.aborted) return false;
    const columns = this.budget ? GRID_COLUMNS_WITH_BUDGET : GRID_COLUMNS;
    this.dropDeep();
    this.depth = new DepthScene(source, columns, this.renderer.capabilities.getMaxAnisotropy());
    const { nearest, focus } = this.depth;
    const { metric } = asset;
    this.level(asset);
    this.settle({ nearest, median: focus, metric, trust, camera }, wish(), 'depth');
    this.depth.setScale(this.place.scale);
    this.group.add(this.depth.scene);
    return true;
  }

  /** isLevel: another level of what is shown, which stays until this one is sorted, where and as large as it is. */
  async showSplats(
    bytes: Uint8Array,
    name: string,
    { asset, camera, trust, wish }: About,
    isLevel: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const cloud = await this.splats();
    if (signal.aborted) return false;
    await cloud.load(bytes, name, signal);
    if (signal.aborted) return false;
    this.cloud = cloud;
    if (!isLevel) {
      const { nearest, median } = cloud;
      this.level(asset);
      this.settle({ nearest, median, metric: asset.metric, trust, camera }, wish(), 'splat');
      // Until the first of these splats are sorted nothing of them is drawn: the picture covers that.
      this.seen = 1;
      this.presence = 1;
    }
    cloud.setScale(this.place.scale);
    cloud.setOpacity(this.presence);
    this.group.add(cloud.scene);
    return true;
  }

  /** Shows what is deep larger or smaller; wish: 1 for as it is. False where nothing is. */
  resize(wish: number): boolean {
    const { shape } = this;
    if (!this.measured || (shape !== 'depth' && shape !== 'splat')) return false;
    this.settle(this.measured, wish, shape);
    this.depth?.setScale(this.place.scale);
    this.cloud?.setScale(this.place.scale);
    return true;
  }

  /** Once a frame. head: where the eyes are from where the camera was. */
  step(seconds: number, head: THREE.Vector3): void {
    if (this.shape === 'screen' || this.shape === 'stereo') return;
    if (this.depth && this.shape === 'depth') this.tellRestSize();
    const drawn = this.shape === 'depth' || this.count > 0;
    // What lay there before goes once splats cover it.
    if (drawn && this.shape === 'splat' && this.depth) this.dropDepth();
    this.seen = Math.max(0, this.seen - (drawn ? seconds / FADE_S : 0));
    const presence = presenceAt(head.length(), this.place.reach);
    const stepped = Math.round(presence * PRESENCE_STEPS) / PRESENCE_STEPS;
    if (stepped !== this.presence) {
      this.presence = stepped;
      if (this.shape === 'splat') this.cloud?.setOpacity(stepped);
    }
    if (this.depth) this.depth.scene.visible = this.presence > 0.5 || this.shape !== 'depth';
    this.screen?.setOpacity(this.screenOpacity);
  }

  /** Gives everything back before another photo is loaded. */
  dispose(): void {
    this.dropDeep();
    this.screen?.dispose();
    this.screen = null;
    this.group.removeFromParent();
  }

  /** Lays the horizon of a photo level that is a place now. */
  private level(asset: Asset): void {
    this.group.quaternion.copy(levelling(asGravity(asset.camera?.gravity)));
  }

  private get screenOpacity(): number {
    return Math.max(this.seen, 1 - this.presence);
  }

  private settle(measured: Measured & { camera: SourceCamera }, wish: number, shape: Shape): void {
    this.place = placePhoto(measured, wish);
    this.measured = measured;
    this.camera = measured.camera;
    this.distance = measured.median * this.place.scale;
    const isFirst = this.shape !== 'depth' && this.shape !== 'splat';
    this.shape = shape;
    if (isFirst) this.seen = 1;
    // Where one leans out of the photo, its picture is a window at its middle.
    this.screen?.showBefore(spreadOf(measured.camera), this.distance, 0, PLAIN);
  }

  /** How large the photo is on an eye's screen, by which the layers tell what is stretched. */
  private tellRestSize(): void {
    const [eye] = this.renderer.xr.getCamera().cameras;
    const viewport = eye?.viewport;
    const { camera } = this;
    if (!eye || !viewport || !camera) return;
    const [across, up] = [
      eye.projectionMatrix.elements[0] as number,
      eye.projectionMatrix.elements[5] as number,
    ];
    this.depth?.setRestSize(
      ((camera.width / camera.fx) * across * viewport.z) / 2,
      ((camera.height / camera.fy) * up * viewport.w) / 2,
    );
  }

  private dropDeep(): void {
    this.dropDepth();
    this.group.quaternion.identity();
    this.cloud?.clear();
    this.cloud?.scene.removeFromParent();
    this.cloud = null;
    this.presence = 1;
  }

  private dropDepth(): void {
    this.depth?.scene.removeFromParent();
    this.depth?.dispose();
    this.depth = null;
  }
}
