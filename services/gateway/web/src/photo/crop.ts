/**
 * Which part of all directions a picture shows, in parts of the whole: from the left edge of a picture of all
 * directions, from straight up.
 */
export interface Crop {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** All directions. */
export const WHOLE: Crop = { left: 0, top: 0, width: 1, height: 1 };

/** XMP stands near the beginning of a file, before its pixels. */
export const XMP_WITHIN = 262_144;
/** What a picture may differ from what is said of it, by its rounded sides. */
const SLACK = 0.03;

/**
 * What the picture of this width and height, of which this is how its file begins, shows. Of a picture that was cut
 * after that was written, and of one that says nothing, as much as its shape tells: all around, or from top to bottom.
 * Source: Google's Photo Sphere XMP metadata, developers.google.com/streetview/spherical-metadata.
 */
export function cropOf(beginning: string, width: number, height: number): Crop {
  const told = cropIn(beginning);
  const aspect = width / height;
  if (told && Math.abs((2 * told.width) / told.height / aspect - 1) < SLACK) return told;
  const [around, upright] = [Math.min(aspect / 2, 1), Math.min(2 / aspect, 1)];
  return { left: (1 - around) / 2, top: (1 - upright) / 2, width: around, height: upright };
}

function cropIn(xmp: string): Crop | null {
  const number = (name: string) => {
    const found = new RegExp(`:${name}(?:\\s*=\\s*["']|>\\s*)(\\d{1,7}(?:\\.\\d+)?)`).exec(xmp);
    return found ? Number(found[1]) : 0;
  };
  const [wide, high] = [number('FullPanoWidthPixels'), number('FullPanoHeightPixels')];
  const crop = {
    left: number('CroppedAreaLeftPixels') / wide,
    top: number('CroppedAreaTopPixels') / high,
    width: number('CroppedAreaImageWidthPixels') / wide,
    height: number('CroppedAreaImageHeightPixels') / high,
  };
  const isWithin = (from: number, size: number) => size > 0 && from + size <= 1 + SLACK;
  return isWithin(crop.left, crop.width) && isWithin(crop.top, crop.height) ? crop : null;
}
