/** How a picture is enlarged within its stage: what lies at p at rest lies at p · scale + (x, y). All in stage pixels. */
export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

export interface Point {
  x: number;
  y: number;
}

/** The stage, and how far beside and above it the picture begins at rest. */
export interface Frame {
  width: number;
  height: number;
  beside: number;
  above: number;
}

export const AT_REST: Zoom = { scale: 1, x: 0, y: 0 };

/** Beyond the original's pixels there is nothing to see; this many times them still shows which they are. */
const BEYOND_PIXELS = 2;
const LEAST_MOST = 3;
/** The least that a double click brings nearer, also of a small photo. */
const LEAST_STEP = 2;

/** The scale at which one pixel of the original is one of the screen. */
export function scaleOfPixels(photoWidth: number, frame: Frame, pixelRatio: number): number {
  const shown = (frame.width - 2 * frame.beside) * pixelRatio;
  return shown > 0 ? photoWidth / shown : 1;
}

/** How far one may zoom in, given the scale of the original's pixels. */
export const mostOf = (pixels: number): number => Math.max(LEAST_MOST, pixels * BEYOND_PIXELS);

/** What a double click zooms to. */
export const closeUp = (pixels: number): number => Math.max(LEAST_STEP, pixels);

/** Enlarges by a factor, so that what lies at a point of the stage stays there. */
export function zoomAt(zoom: Zoom, factor: number, at: Point, frame: Frame, most: number): Zoom {
  const scale = Math.min(Math.max(zoom.scale * factor, 1), most);
  const by = scale / zoom.scale;
  const moved = { scale, x: at.x - (at.x - zoom.x) * by, y: at.y - (at.y - zoom.y) * by };
  return within(moved, frame);
}

export function panBy(zoom: Zoom, dx: number, dy: number, frame: Frame): Zoom {
  return within({ ...zoom, x: zoom.x + dx, y: zoom.y + dy }, frame);
}

/** The same, with no gap beside a picture that is larger than the stage, and a smaller one in its middle. */
function within({ scale, x, y }: Zoom, { width, height, beside, above }: Frame): Zoom {
  return { scale, x: along(x, scale, width, beside), y: along(y, scale, height, above) };
}

function along(offset: number, scale: number, length: number, inset: number): number {
  const middle = (length * (1 - scale)) / 2;
  const reach = ((length - 2 * inset) * scale - length) / 2;
  if (reach <= 0) return middle;
  return Math.min(Math.max(offset, middle - reach), middle + reach);
}
