import type { Asset } from '../api/schema';
import type { Settings } from '../settings/settings';
import type { DeviceCanvas } from './deviceCanvas';
import type { Holdings } from './holdings';
import type { Loader } from './loader';
import { type Deep, type Mode, versionOf } from './modes';
import type { RemoteSplat } from './remote';
import type { WhoDraws } from './whoDraws';

/** What of a photo can be shown, by whoever draws it, and what is to be loaded for that. */
export class Showable {
  constructor(
    private readonly holdings: Holdings,
    private readonly loader: Loader,
    private readonly here: DeviceCanvas,
    private readonly remote: RemoteSplat,
    private readonly whoDraws: WhoDraws,
    private readonly settings: Settings,
  ) {}

  available(what: Deep): boolean {
    const canDraw = this.here.webgl !== false || (what === 'splat' && this.drawsThere);
    return canDraw && this.isWanted(what);
  }

  isWanted(what: Deep): boolean {
    const { enabled } = this.settings.look.gaussianSplat;
    return this.holdings.of(what) !== null && (what !== 'splat' || enabled);
  }

  /** Whether splats are for the server to draw. */
  get drawsThere(): boolean {
    return this.whoDraws.isServer(this.here.webgl);
  }

  /** Whether the server draws the splats that there are. */
  get isReadyThere(): boolean {
    return (
      this.remote.version !== null && this.remote.version === versionOf(this.holdings.of('splat'))
    );
  }

  /** What can be shown, whoever draws it. */
  ready(): Record<Deep, boolean> {
    const { holdings } = this;
    return {
      depth: holdings.isLoaded('depth'),
      splat: holdings.isLoaded('splat') || this.isReadyThere,
    };
  }

  nextToLoad(wish: Mode): Deep | null {
    const { depth, splat } = this.ready();
    const isHere = splat && !this.isChoiceToCome;
    const isDone = { depth, splat: this.drawsThere ? this.isReadyThere : isHere };
    return this.holdings.next(wish, (what) => this.available(what), isDone);
  }

  /** What this device shows after depth; null where that is nothing, or is there. */
  splatsAfterDepth(wish: Mode): Asset | null {
    const isDone = { depth: true, splat: this.drawsThere || this.ready().splat };
    const next = this.holdings.next(wish, (what) => this.available(what), isDone);
    return next && this.holdings.of(next);
  }

  /** Whether splats are seen, in another detail than was chosen. */
  private get isChoiceToCome(): boolean {
    const asset = this.holdings.of('splat');
    return asset !== null && this.holdings.isLoaded('splat') && this.loader.isChoiceToCome(asset);
  }
}
