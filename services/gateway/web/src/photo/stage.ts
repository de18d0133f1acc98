import type { Api } from '../api/client';
import type { Asset, Photo, SourceCamera } from '../api/schema';
import { Emitter } from '../emitter';
import type { Figures } from '../remote/view';
import { budgetOf, rememberMotion, wantsMotion } from '../render/device';
import { assumedCamera } from '../render/framing';
import type { Viewport } from '../render/viewport';
import type { SplatQuality } from '../settings/look';
import type { Settings } from '../settings/settings';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { DeviceCanvas } from './deviceCanvas';
import { Drawers } from './drawers';
import { FlatPicture } from './flat';
import { Ghost } from './ghost';
import { Holdings } from './holdings';
import { Loader } from './loader';
import { type Deep, type Mode, modeToShow } from './modes';
import { RemoteSplat } from './remote';
import { Showable } from './showable';
import { type Drawn, Sight } from './sight';
import { isAllAround, Sphere } from './sphere';
import { Steering } from './steering';
import type { Trouble } from './trouble';
import { type Choice, WhoDraws } from './whoDraws';
import { keepWish, wishedBefore } from './wish';

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
  /** Of the last picture that was drawn. */
  figures: Drawn;
}

/** Where one photo is seen: flat at once, then with depth, then as splats. */
export class Stage extends Emitter<StageEvents> {
  readonly element = el('div', { class: 'stage' });
  wish = wishedBefore();
  moving = wantsMotion();
  private wishedMotion: boolean | null = null;
  private readonly ghost = new Ghost();
  readonly flat: FlatPicture;
  private readonly sphere: Sphere;
  private readonly here: DeviceCanvas;
  private readonly remote: RemoteSplat;
  private readonly drawers: Drawers;
  private readonly sight: Sight;
  private readonly loader: Loader;
  private readonly showable: Showable;
  readonly whoDraws: WhoDraws;
  /** Moves what is seen. */
  readonly steering: Steering;
  private photo: Photo | null = null;
  private readonly holdings = new Holdings();
  private visit = new AbortController();
  private advancing = false;
  /** Calls off the splats that this device loads now; null where it loads none. */
  private splatsToCome: AbortController | null = null;
  private readonly budget = budgetOf(location.search);

  constructor(
    api: Api,
    private readonly settings: Settings,
  ) {
    super();
    settings.on('change', () => this.heed());
    this.whoDraws = new WhoDraws(this.budget === null);
    this.remote = new RemoteSplat(api, (canvas) => this.flat.image.after(canvas), {
      picture: (lean, there) =>
        this.drawers.isShownThere && this.countFrame(there.gaussians, lean, there),
      over: () => this.drawHere(),
    });
    this.here = new DeviceCanvas(this.budget, (canvas) => this.flat.image.after(canvas), {
      frame: (splats, lean) => this.countFrame(splats, lean),
      lost: () => this.onContextLost(),
      fallenBack: () => this.drawAnew(),
      slow: () => this.whoDraws.isSlow() && this.changeDrawer(),
    });
    this.drawers = new Drawers(this.here, this.remote, this.ghost);
    this.loader = new Loader(api, settings, this.here, this.budget, (signal) =>
      this.ensureViewport(signal),
    );
    this.showable = new Showable(
      this.holdings,
      this.loader,
      this.here,
      this.remote,
      this.whoDraws,
      settings,
    );
    this.flat = new FlatPicture(api, this.element, {
      noPicture: () => this.emit('trouble', 'no-picture'),
    });
    this.sight = new Sight(this.element, this.flat, this.drawers);
    this.sphere = new Sphere(api, this.element);
    this.steering = new Steering(
      this.sphere,
      this.flat,
      () => this.drawer,
      () => this.mode === 'flat',
    );
    this.element.append(this.ghost.element);
  }

  get mode(): Mode {
    return this.sight.mode;
  }

  available(what: Deep): boolean {
    return this.showable.available(what);
  }

  /** Whether this is what is shown, or would be, of its kind. */
  shows(asset: Asset): boolean {
    return this.holdings.shows(asset);
  }

  /** Shows another photo, flat; forgets the one before. */
  open(photo: Photo): void {
    this.leave();
    this.whoDraws.askAgain();
    this.photo = photo;
    this.flat.open(photo, this.visit.signal);
    this.setMode('flat');
    if (isAllAround(photo)) void this.sphere.open(photo, this.flat.sharp, this.visit.signal);
  }

  /** Takes in what exists for this photo, and goes on to the best of it. */
  setAssets(assets: Asset[]): void {
    this.holdings.take(assets);
    this.emit('mode', this.mode);
    void this.advance();
  }

  /** Shows one particular result instead of the best. */
  showAsset(asset: Asset): void {
    const what = this.holdings.prefer(asset);
    if (what) this.choose(what);
  }

  choose(wish: Mode): void {
    this.wish = wish;
    keepWish(wish);
    this.holdings.forgive();
    // Whoever waits for the server's first picture waits no longer.
    if (wish !== 'splat' && !this.showable.isReadyThere) this.remote.close();
    this.emit('mode', this.mode);
    void this.advance();
  }

  /** Tries again after the graphics device was lost or a file did not load. */
  recover(): void {
    this.holdings.forgive();
    this.whoDraws.askAgain();
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
    this.sight.close();
  }

  toggleMotion(): void {
    this.moving = !this.moving;
    rememberMotion(this.moving);
    this.drawers.setSway(this.moving);
    this.emit('motion', this.moving);
  }

  get sharp(): Promise<void> {
    return this.flat.sharp;
  }

  /** Whether the server draws what is seen now. */
  get isDrawnThere(): boolean {
    return this.mode === 'splat' && this.showable.isReadyThere;
  }

  /** Has splats drawn by the server, by this device, or by the server where this device is slow. */
  chooseWhoDraws(choice: Choice): void {
    this.whoDraws.choose(choice);
    this.emit('trouble', null);
    this.changeDrawer();
  }

  /** Who may be chosen to draw instead; null where there is no choice. */
  get otherDrawer(): Choice | null {
    if (!this.whoDraws.isOffered || !this.showable.isWanted('splat')) return null;
    if (!this.isDrawnThere) return 'server';
    return this.here.webgl === false ? null : 'device';
  }

  /** Levels of detail that the splats that are shown may have instead; the server has its own. */
  get otherQualities(): SplatQuality[] {
    const asset = this.holdings.of('splat');
    if (this.mode !== 'splat' || !asset || this.isDrawnThere) return [];
    return this.loader.otherQualities(asset, this.splatsToCome !== null);
  }

  /** Shows splats in this detail until the photo is left, in place of what is seen. */
  chooseQuality(quality: SplatQuality): void {
    this.loader.chosen = quality;
    this.holdings.forgive();
    this.emit('trouble', null);
    // What comes now would be shown after what was chosen.
    this.splatsToCome?.abort();
    void this.advance();
  }

  /** What is seen now, alone. */
  picture(): HTMLCanvasElement {
    return this.sight.picture();
  }

  /** Whoever draws what is seen. */
  private get drawer(): Viewport | RemoteSplat | null {
    return this.isDrawnThere ? this.remote : this.viewport;
  }

  /** The server does not draw: this device does, where it can. */
  private drawHere(): void {
    this.whoDraws.refuse();
    if (this.here.webgl === false) this.emit('trouble', 'nobody-draws');
    this.changeDrawer();
  }

  private changeDrawer(): void {
    if (!this.showable.drawsThere) this.remote.close();
    this.emit('mode', this.mode);
    void this.advance();
  }

  private leave(): void {
    this.visit.abort();
    this.visit = new AbortController();
    this.drawers.forget();
    this.sphere.close();
    this.holdings.forget();
    this.loader.forget();
    this.sight.leave();
    this.emit('loading', null);
    this.emit('trouble', null);
  }

  /** Loads what is missing for the wish, one after the other, and shows what is ready. */
  private async advance(): Promise<void> {
    this.showBest();
    if (this.advancing) return;
    this.advancing = true;
    const { signal } = this.visit;
    try {
      await this.sharp;
      const next = () => this.showable.nextToLoad(this.wish);
      for (let what = next(); what && !signal.aborted; what = next()) {
        await this.load(what, signal);
        if (!signal.aborted) this.showBest();
      }
    } finally {
      this.advancing = false;
    }
    if (signal.aborted && this.photo) void this.advance();
  }

  private async load(what: Deep, signal: AbortSignal): Promise<void> {
    const asset = this.holdings.of(what);
    if (!asset) return;
    this.emit('loading', { what, received: 0, total: 0 });
    try {
      if (what === 'depth') await this.loadDepth(asset, signal);
      else if (this.showable.drawsThere) await this.loadThere(asset, signal);
      else await this.loadSplats(asset, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.holdings.fail(asset);
      this.emit('trouble', { what, error });
    } finally {
      if (!signal.aborted) this.emit('loading', null);
    }
  }

  /** Waits for the server's first picture; where none comes, this device draws. */
  private async loadThere(asset: Asset, signal: AbortSignal): Promise<void> {
    const from = this.drawers.leant;
    const options = { trust: this.loader.trustIn(asset), sways: this.moving, from };
    await this.remote.open(this.photo?.id ?? '', asset, this.cameraOf(asset), options, signal);
  }

  private async loadDepth(asset: Asset, signal: AbortSignal): Promise<void> {
    const id = this.photo?.id ?? '';
    const splats = this.showable.splatsAfterDepth(this.wish);
    if (splats) this.loader.expectSplats(splats, signal);
    if (await this.loader.depth(id, asset, this.cameraOf(asset), signal))
      this.holdings.setLoaded('depth', asset);
  }

  private async loadSplats(asset: Asset, visit: AbortSignal): Promise<void> {
    const load = new AbortController();
    this.splatsToCome = load;
    const signal = AbortSignal.any([visit, load.signal]);
    const areSeen = this.holdings.isLoaded('splat');
    try {
      await this.loader.splats(asset, this.cameraOf(asset), signal, areSeen, {
        loading: (received, total) => this.emit('loading', { what: 'splat', received, total }),
        shown: () => {
          this.holdings.setLoaded('splat', asset);
          this.showBest();
        },
      });
    } catch (error) {
      if (!load.signal.aborted) throw error;
    } finally {
      this.splatsToCome = null;
    }
  }

  private cameraOf(asset: Asset): SourceCamera {
    const { naturalWidth, naturalHeight } = this.flat.image;
    return asset.camera ?? assumedCamera(naturalWidth, naturalHeight);
  }

  private get viewport(): Viewport | null {
    return this.here.viewport;
  }

  private showBest(): void {
    const canShow = this.viewport !== null || this.showable.isReadyThere;
    const mode = canShow ? modeToShow(this.wish, this.showable.ready()) : 'flat';
    const isThere = mode === 'splat' && this.showable.isReadyThere;
    if (mode !== this.mode || isThere !== this.drawers.isShownThere) this.setMode(mode);
  }

  private setMode(mode: Mode): void {
    const isThere = mode === 'splat' && this.showable.isReadyThere;
    this.sight.show(mode, isThere, this.describe(mode), this.settings.look.animationDuration);
    this.emit('mode', mode);
  }

  private describe(mode: Mode): string {
    const name = this.photo?.name ?? texts.unnamedPhoto;
    return mode === 'splat' ? texts.photo.in3d(name) : texts.photo.withDepth(name);
  }

  /** What draws here; null where this device cannot. */
  private async ensureViewport(signal: AbortSignal): Promise<Viewport | null> {
    if (this.here.canDraw()) return this.here.open(this.describe('depth'), signal);
    if (!this.showable.drawsThere || !this.holdings.of('splat')) this.emit('trouble', 'no-webgl');
    this.emit('mode', this.mode);
    return null;
  }

  private onContextLost(): void {
    this.dropViewport();
    this.holdings.failAll();
    this.setMode('flat');
    this.emit('trouble', 'context-lost');
  }

  /** What was drawn is gone, and another way of drawing it is there. */
  private drawAnew(): void {
    this.dropViewport();
    this.setMode('flat');
    void this.advance();
  }

  private dropViewport(): void {
    this.drawers.drop();
    this.holdings.unload();
  }

  private countFrame(splats: number, lean: number, there: Figures | null = null): void {
    const drawn = { splats, there };
    this.emit('figures', drawn);
    this.sight.take(drawn, lean);
  }
}
