import { laidOut, type Projection } from './projection';

/** A small grey picture, row by row. */
export interface Grey {
  values: Float32Array;
  width: number;
  height: number;
}

/** Enough to tell whether two halves show the same, seen from two places. */
export const SMALL = { width: 96, height: 64 };
/** How far apart, as a part of its width, something is in what two eyes see. */
const MOST_APART = 0.1;
/** Halves of pictures that are one are hardly alike in what changes from left to right; those of two eyes are. */
const ALIKE = 0.72;

/**
 * Whether a picture is two beside one another, or on top of one another, that two eyes are to see: by what it shows,
 * since files of photos hardly ever tell.
 */
export function layoutSeen(picture: Grey): 'sbs' | 'tb' | null {
  const { width, height } = picture;
  const [w, h] = [width >> 1, height >> 1];
  const beside = likeness(part(picture, 0, 0, w, height), part(picture, w, 0, w, height));
  const above = likeness(part(picture, 0, 0, width, h), part(picture, 0, h, width, h));
  if (Math.max(beside, above) < ALIKE) return null;
  return beside >= above ? 'sbs' : 'tb';
}

function part({ values, width }: Grey, left: number, top: number, w: number, h: number): Grey {
  const taken = new Float32Array(w * h);
  for (let y = 0; y < h; y += 1)
    taken.set(values.subarray((top + y) * width + left, (top + y) * width + left + w), y * w);
  return { values: taken, width: w, height: h };
}

/** Of the best shift to the side: how alike two pictures are in their changes from left to right, up to 1. */
function likeness(one: Grey, other: Grey): number {
  const [a, b] = [slopes(one), slopes(other)];
  const most = Math.round(MOST_APART * one.width);
  let best = -1;
  for (let shift = -most; shift <= most; shift += 1)
    best = Math.max(best, correlation(a, b, one.width, one.height, shift));
  return best;
}

function slopes({ values, width, height }: Grey): Float32Array {
  const found = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 1; x < width - 1; x += 1) {
      const at = y * width + x;
      found[at] = (values[at + 1] as number) - (values[at - 1] as number);
    }
  return found;
}

function correlation(
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  shift: number,
): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let y = 0; y < height; y += 1)
    for (let x = Math.max(0, -shift); x < Math.min(width, width - shift); x += 1) {
      const [p, q] = [a[y * width + x] as number, b[y * width + x + shift] as number];
      ab += p * q;
      aa += p * p;
      bb += q * q;
    }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

/** A guess of how a picture or a film lies, made better by what it shows where nothing told of two eyes. */
export function seenBy(
  guess: Projection,
  image: CanvasImageSource,
  width: number,
  height: number,
): Projection {
  if (guess.layout !== 'mono') return guess;
  const grey = greyOf(image);
  const layout = grey && layoutSeen(grey);
  return layout ? laidOut(guess, layout, width, height) : guess;
}

/** A picture, small and grey. */
function greyOf(image: CanvasImageSource): Grey | null {
  const { width, height } = SMALL;
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const values = new Float32Array(width * height);
  for (let i = 0; i < values.length; i += 1)
    values[i] =
      0.3 * (data[4 * i] as number) +
      0.59 * (data[4 * i + 1] as number) +
      0.11 * (data[4 * i + 2] as number);
  return { values, width, height };
}
