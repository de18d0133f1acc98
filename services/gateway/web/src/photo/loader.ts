import type { Api } from '../api/client';
import type { Asset, SourceCamera } from '../api/schema';
import { isOnFastLink, prefersLight } from '../render/device';
import type { Viewport } from '../render/viewport';
import { leanFactor, type SplatQuality } from '../settings/look';
import type { Settings } from '../settings/settings';
import { decoded } from '../ui/decoding';
import { Ahead } from './ahead';
import { depthOf } from './depthFiles';
import type { DeviceCanvas } from './deviceCanvas';
import { qualitiesOf, splatFile, splatFiles, trustIn } from './modes';
import { type LevelEvents, showLevels } from './splatLevels';

/** Brings a photo's depth and splats to the canvas of this device. */
export class Loader {
  private readonly ahead: Ahead;

  constructor(
    private readonly api: Api,
    private readonly settings: Settings,
    private readonly here: DeviceCanvas,
    /** At most this many splats; null for as many as the device is good for. */
    private readonly budget: number | null,
    /** What draws, made where there is none; null where nothing can. */
    private readonly viewport: (signal: AbortSignal) => Promise<Viewport | null>,
  ) {
    this.ahead = new Ahead(api);
  }

  /** The detail that somebody has chosen for this photo; null for what is usual. */
  chosen: SplatQuality | null = null;
  /** The file of the splats that are seen; null where that is not known. */
  private seen: string | null = null;

  /** In which detail splats are shown. */
  get quality(): SplatQuality {
    const { defaultQuality } = this.settings.look.gaussianSplat;
    return this.chosen ?? (prefersLight(this.budget) ? 'light' : defaultQuality);
  }

  /** Whether the detail that was chosen is not what is seen of these splats. */
  isChoiceToCome(asset: Asset): boolean {
    return this.chosen !== null && splatFile(asset, this.chosen)?.name !== this.seen;
  }

  /** Levels of detail of these splats other than the one that is seen, or that comes where `comes` says so. */
  otherQualities(asset: Asset, comes: boolean): SplatQuality[] {
    const now = comes ? splatFile(asset, this.quality)?.name : this.seen;
    return qualitiesOf(asset).filter((quality) => splatFile(asset, quality)?.name !== now);
  }

  /** The photo is left. */
  forget(): void {
    this.chosen = this.seen = null;
    this.ahead.forget();
  }

  /** How much of the usual lean a result bears, and a person wants. */
  trustIn(asset: Asset): number {
    return trustIn(asset) * leanFactor(this.settings.look);
  }

  /**
   * Has depth drawn: its pictures come while what draws them is made ready. False where it was not wanted any more, or
   * nothing can draw it; throws where its files do not come.
   */
  async depth(
    photoId: string,
    asset: Asset,
    camera: SourceCamera,
    signal: AbortSignal,
  ): Promise<boolean> {
    const colour = decoded(this.api.previewUrl(photoId));
    const [viewport, source] = await Promise.all([
      this.viewport(signal),
      depthOf(colour, asset, camera, (path) => decoded(this.api.url(path))),
    ]);
    if (!viewport || signal.aborted || viewport !== this.here.viewport) return false;
    if (!source) throw new Error('The depth of this photo has no disparity image');
    viewport.setTrust('depth', this.trustIn(asset));
    const drawn = viewport.setDepth(source);
    // Not before: it is much to read, and would keep the depth waiting.
    if (this.ahead.isUnderWay) viewport.awaitSplats();
    await drawn;
    return !signal.aborted && viewport === this.here.viewport;
  }

  /**
   * Has the first of these splats come while depth is made ready. Not where data is dear: there they would keep the
   * depth waiting.
   */
  expectSplats(asset: Asset, signal: AbortSignal): void {
    const [first] = splatFiles(asset, this.quality);
    if (first && isOnFastLink()) this.ahead.begin(first.url, signal);
  }

  /**
   * Has splats drawn, level after level; of those that are seen already (`areSeen`) only the detail that was chosen.
   * Throws where none of its files comes.
   */
  async splats(
    asset: Asset,
    camera: SourceCamera,
    signal: AbortSignal,
    areSeen: boolean,
    events: Pick<LevelEvents, 'loading'> & { shown(): void },
  ): Promise<void> {
    const viewport = await this.viewport(signal);
    if (!viewport || signal.aborted) return;
    viewport.setTrust('splat', this.trustIn(asset));
    const chosen = areSeen && this.chosen ? splatFile(asset, this.chosen) : null;
    const files = chosen ? [chosen] : splatFiles(asset, this.quality);
    try {
      await showLevels(this.ahead, viewport, files, camera, signal, {
        loading: events.loading,
        shown: ({ name }) => {
          if (viewport !== this.here.viewport) return false;
          this.seen = name;
          events.shown();
          return true;
        },
      });
    } finally {
      // What was called off may be drawn already.
      if (signal.aborted) this.seen = null;
    }
  }
}
