import type { SourceCamera } from '../api/schema';

/** How large a photo is shown, and how far one may step aside in it. All lengths in metres of the room. */
export interface PlaceOf {
  /** Of the photo's own lengths. */
  scale: number;
  /** How far the head may go from where the camera was. */
  reach: number;
}

export interface Measured {
  /** In the cloud's own lengths. */
  nearest: number;
  median: number;
  metric: boolean;
  /** How well its depth is known, 0 to 1. */
  trust: number;
  camera: Pick<SourceCamera, 'fx' | 'width' | 'height'>;
}

/** A lens that sees 54° across its longer side shows its middle this far away. */
const COMFORTABLE_MEDIAN = 2.5;
const USUAL_FOCAL = 0.98;
const MEDIAN_BOUNDS = [1.5, 8] as const;
/** At this part of the distance of what is nearest, what was never seen begins to show. */
const SAFE_PART = 0.12;
const LONGEST_REACH = 0.6;
const SHORTEST_REACH = 0.03;

/** Where nothing tells how large a photo is: so far away that its middle is comfortable to look at, as its lens saw it. */
export function comfortableMedian({ fx, width, height }: Measured['camera']): number {
  const wanted = (COMFORTABLE_MEDIAN * fx) / Math.max(width, height) / USUAL_FOCAL;
  return Math.min(Math.max(wanted, MEDIAN_BOUNDS[0]), MEDIAN_BOUNDS[1]);
}

/** wish: what the viewer made of it, 1 for as it is. */
export function placePhoto(measured: Measured, wish = 1): PlaceOf {
  const { nearest, median, metric, trust } = measured;
  const scale = (metric ? 1 : comfortableMedian(measured.camera) / Math.max(median, 1e-6)) * wish;
  const reach = SAFE_PART * nearest * scale * trust;
  return { scale, reach: Math.min(Math.max(reach, SHORTEST_REACH), LONGEST_REACH) };
}

const FADE_FROM = 0.7;
const FADE_TO = 1.25;

/** How much of a photo's depth is still shown to a head so far from where the camera was: 1 to 0, never at once. */
export function presenceAt(distance: number, reach: number): number {
  const part = (distance / reach - FADE_FROM) / (FADE_TO - FADE_FROM);
  const gone = Math.min(Math.max(part, 0), 1);
  return 1 - gone * gone * (3 - 2 * gone);
}

export const SCALES = [0.5, 0.7, 1, 1.4, 2];

/** The next larger or smaller of the scales that there are. */
export function stepScale(scale: number, direction: 1 | -1): number {
  const at = SCALES.indexOf(scale);
  return SCALES[Math.min(Math.max(at + direction, 0), SCALES.length - 1)] ?? 1;
}
