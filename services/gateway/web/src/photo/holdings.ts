import type { Asset } from '../api/schema';
import { bestAsset, type Deep, isDeep, type Mode, modesToLoad, versionOf } from './modes';

/** What there is of a photo's depth and 3D, and how far it has come: which of it can be seen, which failed. */
export class Holdings {
  private readonly assets: Record<Deep, Asset | null> = { depth: null, splat: null };
  /** The version of what was loaded. */
  private readonly loaded: Record<Deep, string | null> = { depth: null, splat: null };
  private readonly failed = new Set<string>();

  of(what: Deep): Asset | null {
    return this.assets[what];
  }

  /** Takes in what exists for the photo: the best of it counts. */
  take(assets: Asset[]): void {
    for (const what of ['depth', 'splat'] as const) {
      this.assets[what] = bestAsset(assets, what);
      if (!this.assets[what]) this.loaded[what] = null;
    }
  }

  /** Prefers one particular result; null where it is not of a kind that is shown. */
  prefer(asset: Asset): Deep | null {
    if (!isDeep(asset.kind)) return null;
    this.assets[asset.kind] = asset;
    return asset.kind;
  }

  /** Whether this is what is shown, or would be, of its kind. */
  shows(asset: Asset): boolean {
    return isDeep(asset.kind) && this.assets[asset.kind]?.key === asset.key;
  }

  /** Whether what there is now is what was loaded. */
  isLoaded(what: Deep): boolean {
    return this.assets[what] !== null && this.loaded[what] === versionOf(this.assets[what]);
  }

  setLoaded(what: Deep, asset: Asset): void {
    this.loaded[what] = versionOf(asset);
  }

  /** What would be loaded next for a wish. */
  next(wish: Mode, available: (what: Deep) => boolean, isDone: Record<Deep, boolean>): Deep | null {
    const usable = (what: Deep) =>
      available(what) && !this.failed.has(this.assets[what]?.key ?? '');
    return modesToLoad(wish, { depth: usable('depth'), splat: usable('splat') }, isDone)[0] ?? null;
  }

  fail({ key }: Asset): void {
    this.failed.add(key);
  }

  /** Nothing of it can be shown, until somebody asks for it again. */
  failAll(): void {
    for (const asset of Object.values(this.assets)) if (asset) this.fail(asset);
  }

  /** Has another try at what failed. */
  forgive(): void {
    this.failed.clear();
  }

  /** What was loaded is gone. */
  unload(): void {
    this.loaded.depth = this.loaded.splat = null;
  }

  /** The photo is left. */
  forget(): void {
    this.assets.depth = this.assets.splat = null;
    this.unload();
    this.forgive();
  }
}
