/** Where frames and thumbnails lie in a film. */

const FPS_UNKNOWN = 30;
/** Of moments that are told to the millisecond. */
const ROUNDING_S = 0.0015;

/**
 * The moment to seek to for the frame after (or before) the one shown: the middle of that frame, which
 * rounding cannot move into another one. times: when each frame is shown, in seconds, where it is known.
 */
export function stepTo(shown: number, direction: 1 | -1, fps: number, times: number[]): number {
  if (times.length < 2) {
    const rate = fps > 0 ? fps : FPS_UNKNOWN;
    const frame = Math.floor((shown + ROUNDING_S) * rate);
    return Math.max(0, frame + direction + 0.5) / rate;
  }
  const at = times.findLastIndex((time) => time <= shown + ROUNDING_S);
  const wanted = Math.min(Math.max(at + direction, 0), times.length - 1);
  return middleOf(wanted, times);
}

function middleOf(frame: number, times: number[]): number {
  const from = times[frame] as number;
  const until = times[frame + 1] ?? from + (from - (times[frame - 1] as number));
  return (from + until) / 2;
}

const MOST_FPS = 240;

/** Frames a second by two that were shown one after the other; 0 where they do not tell, as after a jump. */
export function rateSeen(before: number, now: number, jumped: boolean): number {
  const rate = 1 / (now - before);
  return !jumped && rate > 0 && rate <= MOST_FPS ? rate : 0;
}

/** How many pictures a strip of thumbnails has, how large each is, and how far apart they are. */
export interface Strip {
  columns: number;
  rows: number;
  tile: [number, number];
  every_s: number;
}

/** Where in a strip the thumbnail of a moment lies: x, y of its top left, in pixels. */
export function tileAt(strip: Strip, seconds: number): [number, number] {
  const last = strip.columns * strip.rows - 1;
  const at = Math.min(Math.max(Math.floor(seconds / strip.every_s), 0), last);
  const [width, height] = strip.tile;
  return [(at % strip.columns) * width, Math.floor(at / strip.columns) * height];
}
