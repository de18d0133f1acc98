import type { Asset, AssetFile, RgbdLayout } from '../api/schema';
import type { Strip } from './moments';

/** The depth of a video to show: what is current before what is outdated, all of it before a part, then the newest. */
export function bestDepth(assets: Asset[]): Asset | null {
  const candidates = assets.filter(({ kind }) => kind === 'depth-video');
  candidates.sort(
    (a, b) =>
      Number(a.outdated) - Number(b.outdated) ||
      Number(isPart(a)) - Number(isPart(b)) ||
      b.created_at.localeCompare(a.created_at),
  );
  return candidates[0] ?? null;
}

const isPart = (asset: Asset): boolean => Boolean(asset.params.range);

export const fileOf = (asset: Asset | null, role: string): AssetFile | null =>
  asset?.files.find((file) => file.role === role) ?? null;

/** Where colour and depth lie in the film that is played with depth; null where that cannot be used. */
export function layoutOf(asset: Asset): RgbdLayout | null {
  return asLayout(asset.details.rgbd);
}

export function asLayout(told: unknown): RgbdLayout | null {
  const { width, height, colour, depth } = Object(told);
  if (!isSize(width) || !isSize(height)) return null;
  const lies = (place: unknown): place is RgbdLayout['colour'] => {
    if (!Array.isArray(place) || place.length !== 4 || !place.every(Number.isFinite)) return false;
    const [x, y, w, h] = place as RgbdLayout['colour'];
    return x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= width && y + h <= height;
  };
  return lies(colour) && lies(depth) ? { width, height, colour, depth } : null;
}

/** How the strip of thumbnails is cut; null where that cannot be used. */
export function stripOf(asset: Asset): Strip | null {
  const { columns, rows, tile, every_s } = Object(asset.details.strip);
  const sizes = [columns, rows, ...(Array.isArray(tile) ? tile : [])];
  if (sizes.length !== 4 || !sizes.every(isSize) || !isSize(every_s)) return null;
  return { columns, rows, tile, every_s };
}

/** Frames a second, on average; 0 where nobody says. */
export function fpsOf(asset: Asset): number {
  const { fps } = Object(asset.details.video);
  return isSize(fps) ? fps : 0;
}

/** Where in the video its depth begins, in seconds: it may have been made of a part alone. */
export function startOf(params: Asset['params']): number {
  const { fromS, from_s } = Object(params.range);
  return isSize(fromS) ? fromS : isSize(from_s) ? from_s : 0;
}

/** When each frame is shown, in seconds from `start` on, as the file beside the depth tells; [] where it does not. */
export function timesOf(told: unknown, start = 0): number[] {
  const { frames } = Object(told);
  if (!Array.isArray(frames)) return [];
  const times = frames.map((frame) => start + Number(Object(frame).time_ms) / 1000);
  const rises = times.every((time, i) => i === 0 || time > (times[i - 1] as number));
  return rises && times.every(Number.isFinite) ? times : [];
}

const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0;
