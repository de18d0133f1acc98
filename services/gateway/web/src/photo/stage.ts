import type { Api } from '../api/client';
import type { Asset, AssetFile, Photo } from '../api/schema';
import { Emitter } from '../emitter';
import {
  budgetOf,
  hasWebGl,
  prefersLight,
  prefersStillness,
  rememberMotion,
  wantsMotion,
} from '../render/device';
import { assumedCamera } from '../render/framing';
import type { Viewport } from '../render/viewport';
import { leanFactor } from '../settings/look';
import type { Settings } from '../settings/settings';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { FlatPicture } from './flat';
import {
  bestAsset,
  type Deep,
  fileOfRole,
  isDeep,
  type Mode,
  modesToLoad,
  modeToShow,
  splatFiles,
  trustIn,
} from './modes';
import { isAllAround, Sphere } from './sphere';
import type { Trouble } from './trouble';

export interface Loading {
  what: Deep;
  received: number;
  total: number;
}

interface StageEvents {
  /** Mode, wish or what is available changed. */
  mode: Mode;
  loading: Loading | null;
  /** 3D cannot be shown: why, or null when that is over. */
  trouble: Trouble | null;
  motion: boolean;
}

/** From this lean on, about in radians, 3D alone is seen; at rest, the photo itself. */
const WHOLLY_DEEP = 0.01;
/** A key that comes closer by this part of the way enlarges a flat photo by e to this power of it. */
const KEY_ZOOM = 4;
const WISH_KEY = 'immichvr.wish';

/** Where one photo is seen: flat at once, then with depth, then as splats. */
export class Stage extends Emitter<StageEvents> {
  readonly element = el('div', { class: 'stage' });
  mode: Mode = 'flat';
  wish = wishedBefore();
  moving = wantsMotion();
  private wishedMotion: boolean | null = null;
  private readonly ghost = el('canvas', { class: 'ghost', 'aria-hidden': 'true' });
  readonly flat: FlatPicture;
  private readonly sphere: Sphere;
  private canvas: HTMLCanvasElement | null = null;
  private viewport: Viewport | null = null;
  private photo: Photo | null = null;
  private readonly assets: Record<Deep, Asset | null> = { depth: null, splat: null };
  /** What is loaded, as the key of the asset that it came from. */
  private readonly loaded: Record<Deep, string | null> = { depth: null, splat: null };
  private readonly failed = new Set<string>();
  private visit = new AbortController();
  private advancing = false;
  private webgl: boolean | null = null;
  /** How much of what is seen is 3D, not the photo: 0 at rest, 1 while one leans. */
  private depthSeen = 0;
  private readonly budget = budgetOf(location.search);

  constructor(
    private readonly api: Api,
    private readonly settings: Settings,
  ) {
    super();
    settings.on('change', () => this.heed());
    this.flat = new FlatPicture(api, this.element, {
      noPicture: () => this.emit('trouble', 'no-picture'),
    });
    this.sphere = new Sphere(api, this.element);
    this.element.append(this.ghost);
  }

  available(what: Deep): boolean {
    const isWanted = what !== 'splat' || this.settings.look.gaussianSplat.enabled;
    return this.assets[what] !== null && this.webgl !== false && isWanted;
  }

  /** Whether this is what is shown, or would be, of its kind. */
  shows(asset: Asset): boolean {
    return isDeep(asset.kind) && this.assets[asset.kind]?.key === asset.key;
  }

  /** Shows another photo, flat; forgets the one before. */
  open(photo: Photo): void {
    this.leave();
    this.photo = photo;
    this.flat.open(photo, this.visit.signal);
    this.setMode('flat');
    if (isAllAround(photo)) void this.sphere.open(photo, this.flat.sharp, this.visit.signal);
  }

  /** Takes in what exists for this photo, and goes on to the best of it. */
  setAssets(assets: Asset[]): void {
    for (const what of ['depth', 'splat'] as const) {
      this.assets[what] = bestAsset(assets, what);
      if (!this.assets[what]) this.loaded[what] = null;
    }
    this.emit('mode', this.mode);
    void this.advance();
  }

  /** Shows one particular result instead of the best. */
  showAsset(asset: Asset): void {
    if (!isDeep(asset.kind)) return;
    this.assets[asset.kind] = asset;
    this.choose(asset.kind);
  }

  choose(wish: Mode): void {
    this.wish = wish;
    sessionStorage.setItem(WISH_KEY, wish);
    this.failed.clear();
    this.emit('mode', this.mode);
    void this.advance();
  }

  /** Tries again after the graphics device was lost or a file did not load. */
  recover(): void {
    this.failed.clear();
    this.emit('trouble', null);
    this.flat.retry();
    void this.advance();
  }

  /** A person has set something. */
  private heed(): void {
    const wished = this.settings.mine?.idle_motion ?? null;
    // Other changes leave what was chosen for this photo as it is.
    if (wished !== this.wishedMotion && wished !== null && wished !== this.moving && wantsMotion())
      this.toggleMotion();
    this.wishedMotion = wished;
    this.emit('mode', this.mode);
    void this.advance();
  }

  close(): void {
    this.leave();
    this.dropViewport();
    this.photo = null;
    this.mode = 'flat';
    delete document.body.dataset.mode;
  }

  /** Whether dragging looks around, in what is deep or all around. */
  get looksAround(): boolean {
    return this.mode !== 'flat' || this.sphere.isShown;
  }

  orbitBy(dx: number, dy: number): void {
    if (this.sphere.isShown) this.sphere.turnBy(dx, dy);
    else if (this.mode !== 'flat') this.viewport?.orbitBy(dx, dy);
  }

  dollyBy(amount: number): void {
    if (this.sphere.isShown) this.sphere.zoomBy(amount);
    else if (this.mode !== 'flat') this.viewport?.dollyBy(amount);
  }

  /** The same for whoever is flat: enlarges the picture around its middle. */
  comeCloser(amount: number): void {
    if (!this.looksAround) this.flat.zoomBy(Math.exp(amount * KEY_ZOOM));
    else this.dollyBy(amount);
  }

  resetView(): void {
    if (this.sphere.isShown) this.sphere.reset();
    else if (this.mode === 'flat') this.flat.resetZoom();
    else this.viewport?.reset();
  }

  toggleMotion(): void {
    this.moving = !this.moving;
    rememberMotion(this.moving);
    this.viewport?.setSway(this.moving);
    this.emit('motion', this.moving);
  }

  get sharp(): Promise<void> {
    return this.flat.sharp;
  }

  /** Leans to a place between the limits of this photo: -1 to 1, right and up. */
  leanTo(x: number, y: number): void {
    if (this.mode !== 'flat') this.viewport?.leanTo(x, y);
  }

  private leave(): void {
    this.visit.abort();
    this.visit = new AbortController();
    this.viewport?.clear();
    this.sphere.close();
    this.assets.depth = this.assets.splat = null;
    this.loaded.depth = this.loaded.splat = null;
    this.failed.clear();
    this.fadeCanvas(false, true);
    this.emit('loading', null);
    this.emit('trouble', null);
    delete document.body.dataset.splats;
    delete document.body.dataset.pixels;
  }

  /** Loads what is missing for the wish, one after the other, and shows what is ready. */
  private async advance(): Promise<void> {
    this.showBest();
    if (this.advancing) return;
    this.advancing = true;
    const { signal } = this.visit;
    try {
      await this.sharp;
      for (let what = this.nextToLoad(); what && !signal.aborted; what = this.nextToLoad()) {
        await this.load(what, signal);
        if (!signal.aborted) this.showBest();
      }
    } finally {
      this.advancing = false;
    }
    if (signal.aborted && this.photo) void this.advance();
  }

  private nextToLoad(): Deep | null {
    const usable = (what: Deep) =>
      this.available(what) && !this.failed.has(this.assets[what]?.key ?? '');
    const available = { depth: usable('depth'), splat: usable('splat') };
    return modesToLoad(this.wish, available, this.ready())[0] ?? null;
  }

  private ready(): Record<Deep, boolean> {
    const ready = (what: Deep) =>
      this.assets[what] !== null && this.loaded[what] === versionOf(this.assets[what]);
    return { depth: ready('depth'), splat: ready('splat') };
  }

  private async load(what: Deep, signal: AbortSignal): Promise<void> {
    const asset = this.assets[what];
    if (!asset) return;
    this.emit('loading', { what, received: 0, total: 0 });
    try {
      const viewport = await this.ensureViewport();
      if (!viewport || signal.aborted) return;
      viewport.setTrust(what, trustIn(asset) * leanFactor(this.settings.look));
      if (what === 'depth') await this.loadDepth(viewport, asset, signal);
      else await this.loadSplats(viewport, asset, signal);
      if (!signal.aborted && viewport === this.viewport) this.loaded[what] = versionOf(asset);
    } catch (error) {
      if (signal.aborted) return;
      this.failed.add(asset.key);
      this.emit('trouble', { what, error });
    } finally {
      if (!signal.aborted) this.emit('loading', null);
    }
  }

  private async loadDepth(viewport: Viewport, asset: Asset, signal: AbortSignal): Promise<void> {
    const flat = this.flat.image;
    const [disparity, background, backgroundDisparity] = await Promise.all([
      this.image(asset, 'disparity'),
      this.image(asset, 'background'),
      this.image(asset, 'background-disparity'),
    ]);
    const colour = new Image();
    colour.src = this.api.previewUrl(this.photo?.id ?? '');
    await colour.decode();
    if (signal.aborted || !disparity) {
      if (!disparity) throw new Error('The depth of this photo has no disparity image');
      return;
    }
    const { near, far } = asset.depth ?? { near: 1, far: 100 };
    const camera = asset.camera ?? assumedCamera(flat.naturalWidth, flat.naturalHeight);
    viewport.setDepth({ colour, disparity, background, backgroundDisparity, near, far, camera });
  }

  private async image(asset: Asset, role: string): Promise<HTMLImageElement | null> {
    const file = fileOfRole(asset, role);
    if (!file) return null;
    const image = new Image();
    image.src = this.api.url(file.url);
    await image.decode();
    return image;
  }

  private async loadSplats(viewport: Viewport, asset: Asset, signal: AbortSignal): Promise<void> {
    const { defaultQuality } = this.settings.look.gaussianSplat;
    const files = splatFiles(asset, prefersLight(this.budget) ? 'light' : defaultQuality);
    if (!files.length) throw new Error('This result has no file that can be shown here');
    for (const file of files) {
      try {
        await this.loadSplat(viewport, asset, file, signal);
      } catch (error) {
        if (signal.aborted || file === files.at(-1)) throw error;
        continue;
      }
      if (signal.aborted || viewport !== this.viewport) return;
      this.loaded.splat = versionOf(asset);
      this.showBest();
    }
  }

  private async loadSplat(
    viewport: Viewport,
    asset: Asset,
    file: AssetFile,
    signal: AbortSignal,
  ): Promise<void> {
    const onBytes = (received: number, total: number) =>
      this.emit('loading', { what: 'splat', received, total: total || file.size });
    const bytes = await this.api.bytes(file.url, onBytes, signal);
    const { naturalWidth, naturalHeight } = this.flat.image;
    const camera = asset.camera ?? assumedCamera(naturalWidth, naturalHeight);
    await viewport.setSplats(bytes, file.name, camera, signal);
  }

  private showBest(): void {
    const mode = this.viewport ? modeToShow(this.wish, this.ready()) : 'flat';
    if (mode !== this.mode) this.setMode(mode);
  }

  private setMode(mode: Mode): void {
    const before = this.mode;
    this.mode = mode;
    if (mode !== 'flat') this.flat.resetZoom();
    document.body.dataset.mode = mode;
    if (mode !== 'splat') delete document.body.dataset.splats;
    if (before !== 'flat' && mode !== 'flat') this.fadeFromGhost();
    this.viewport?.show(mode === 'flat' ? null : mode);
    this.fadeCanvas(mode !== 'flat', false);
    this.canvas?.setAttribute('aria-label', this.describe(mode));
    this.emit('mode', mode);
  }

  private describe(mode: Mode): string {
    const name = this.photo?.name ?? texts.unnamedPhoto;
    return mode === 'splat' ? texts.photo.in3d(name) : texts.photo.withDepth(name);
  }

  /** The picture drawn so far stays on top and fades, while the new mode is drawn below. */
  private fadeFromGhost(): void {
    if (prefersStillness() || !this.viewport) return;
    this.viewport.copyTo(this.ghost);
    this.ghost.getAnimations().forEach((animation) => {
      animation.cancel();
    });
    this.ghost.animate([{ opacity: this.depthSeen }, { opacity: 0 }], {
      duration: this.settings.look.animationDuration * 1000,
      fill: 'forwards',
    });
  }

  private fadeCanvas(visible: boolean, immediately: boolean): void {
    this.element.classList.toggle('is-instant', immediately);
    this.element.classList.toggle('is-deep', visible);
    if (!visible) this.showLean(0);
  }

  /** At rest the photo itself is seen, which lies in the same place; 3D comes with the first of a lean. */
  private showLean(lean: number): void {
    const part = Math.min(lean / WHOLLY_DEEP, 1);
    this.depthSeen = part * part * (3 - 2 * part);
    this.element.style.setProperty('--seen', this.depthSeen.toFixed(3));
    this.element.classList.toggle('leans', part === 1);
  }

  private async ensureViewport(): Promise<Viewport | null> {
    if (this.viewport) return this.viewport;
    this.webgl ??= hasWebGl();
    if (!this.webgl) {
      this.emit('trouble', 'no-webgl');
      this.emit('mode', this.mode);
      return null;
    }
    const { signal } = this.visit;
    const { Viewport } = await import('../render/viewport');
    if (signal.aborted) return null;
    const canvas = el('canvas', {
      class: 'deep',
      role: 'img',
      'aria-label': this.describe('depth'),
    });
    this.canvas = canvas;
    this.flat.image.after(canvas);
    this.viewport = new Viewport(canvas, {
      budget: this.budget,
      sways: this.moving,
      onFrame: (splats, lean) => this.countFrame(splats, lean),
      onLost: () => this.onContextLost(),
    });
    return this.viewport;
  }

  private onContextLost(): void {
    this.dropViewport();
    this.failed.add(this.assets.depth?.key ?? '').add(this.assets.splat?.key ?? '');
    this.setMode('flat');
    this.emit('trouble', 'context-lost');
  }

  private dropViewport(): void {
    this.viewport?.dispose();
    this.viewport = null;
    this.canvas?.remove();
    this.canvas = null;
    this.loaded.depth = this.loaded.splat = null;
  }

  private countFrame(splats: number, lean: number): void {
    this.showLean(this.mode === 'flat' ? 0 : lean);
    const { dataset } = document.body;
    dataset.frames = String(Number(dataset.frames ?? 0) + 1);
    if (this.mode === 'splat') dataset.splats = String(splats);
  }
}

/** What was chosen before the page was loaded again. */
function wishedBefore(): Mode {
  const kept = sessionStorage.getItem(WISH_KEY);
  return kept === 'flat' || kept === 'depth' ? kept : 'splat';
}

const versionOf = (asset: Asset | null): string | null =>
  asset && `${asset.key} ${asset.created_at}`;
