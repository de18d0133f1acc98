import type { Asset, AssetFile } from '../api/schema';
import { madeBefore } from '../scenes/versions';
import type { SplatQuality } from '../settings/look';

export type Mode = 'flat' | 'depth' | 'splat';
export type Deep = 'depth' | 'splat';
type Which = Record<Deep, boolean>;

/** Whether things of this kind can be looked at here. */
export const isDeep = (kind: string): kind is Deep => kind === 'depth' || kind === 'splat';

/** What must be loaded to come as close to the wish as possible, in order. */
export function modesToLoad(wish: Mode, available: Which, ready: Which): Deep[] {
  if (wish === 'flat') return [];
  if (wish === 'splat' && available.splat) {
    if (ready.splat) return [];
    return available.depth && !ready.depth ? ['depth', 'splat'] : ['splat'];
  }
  return available.depth && !ready.depth ? ['depth'] : [];
}

/** The mode to show now: the wish, or the next best that is ready. */
export function modeToShow(wish: Mode, ready: Which): Mode {
  if (wish === 'splat' && ready.splat) return 'splat';
  if (wish !== 'flat' && ready.depth) return 'depth';
  return 'flat';
}

/** A guess bears about the lean of the idle motion, a network's relative depth somewhat more. */
const TRUST_IN_GUESS = 0.2;
const TRUST_IN_RELATIVE = 0.6;

/** Whether an asset's depth was guessed without a network. */
export const isRough = ({ model_key }: Pick<Asset, 'model_key'>): boolean =>
  ['heuristic', 'lift-heuristic'].includes(madeBefore(model_key));

/** How much of the usual lean an asset bears, by how well its depth is known: 0 to 1. */
export function trustIn(asset: Pick<Asset, 'model_key' | 'metric'>): number {
  if (isRough(asset)) return TRUST_IN_GUESS;
  const model = madeBefore(asset.model_key);
  const isTrue = asset.metric || model.endsWith('embedded') || model === 'sharp';
  return isTrue ? 1 : TRUST_IN_RELATIVE;
}

/** The asset of a kind to show: what is current before what is outdated, then the newest. */
export function bestAsset(assets: Asset[], kind: Deep): Asset | null {
  const candidates = assets.filter((asset) => asset.kind === kind);
  candidates.sort(
    (a, b) => Number(a.outdated) - Number(b.outdated) || b.created_at.localeCompare(a.created_at),
  );
  return candidates[0] ?? null;
}

/** What tells one making of an asset from the next. */
export const versionOf = (asset: Asset | null): string | null =>
  asset && `${asset.key} ${asset.created_at}`;

/** Formats that Spark reads, the smallest first. */
const SHOWABLE = ['spz', 'splat', 'ply'];

/** Levels of detail, from coarse to fine, by what their files are called. */
const VARIANTS: Record<SplatQuality, string> = {
  light: 'light',
  medium: 'lod-300000',
  full: 'full',
};
const BY_PREFERENCE: Record<SplatQuality, SplatQuality[]> = {
  light: ['light', 'medium', 'full'],
  medium: ['medium', 'full', 'light'],
  full: ['full', 'medium', 'light'],
};

/** The splat file to show, of the level of detail that is wanted where there is one. */
export function splatFile(asset: Asset, wanted: SplatQuality): AssetFile | null {
  const variants = BY_PREFERENCE[wanted].map((quality) => VARIANTS[quality]);
  const rank = (file: AssetFile) =>
    variants.indexOf(file.variant) * SHOWABLE.length + SHOWABLE.indexOf(file.format);
  const files = asset.files.filter(
    (file) =>
      (file.role === 'splat' || file.role === 'level') &&
      variants.includes(file.variant) &&
      SHOWABLE.includes(file.format),
  );
  return files.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** Levels of detail of which there are files that differ, from coarse to fine. */
export function qualitiesOf(asset: Asset): SplatQuality[] {
  const variants = new Set(asset.files.map(({ variant }) => variant));
  return BY_PREFERENCE.light.filter((quality) => variants.has(VARIANTS[quality]));
}

/** The splat files to show, one after the other: the light one first, which is there soon, then what is wanted. */
export function splatFiles(asset: Asset, wanted: SplatQuality): AssetFile[] {
  const [first, last] = [splatFile(asset, 'light'), splatFile(asset, wanted)];
  if (!first || !last) return [];
  return first.size < last.size ? [first, last] : [last];
}

export function fileOfRole(asset: Asset, role: AssetFile['role']): AssetFile | null {
  return asset.files.find((file) => file.role === role) ?? null;
}
