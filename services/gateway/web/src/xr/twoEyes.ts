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
/** What repeats, as a fence, is as alike laid elsewhere: halves of two eyes are less so by this, however they are laid. */
const CLEARLY = 0.2;
/** Of how much a picture varies, so much may the brightness of what two eyes see in one place differ. */
const BRIGHTNESS = 0.5;
/** Pixels of a place whose brightness is compared. */
const PLACE = 8;

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

/**
 * How alike two pictures are in their changes from left to right, up to 1, laid over one another as two eyes would have
 * them. 0 where they are hardly less alike laid otherwise, or not as bright in the same places.
 */
function likeness(one: Grey, other: Grey): number {
  const { width, height } = one;
  const [a, b] = [slopes(one), slopes(other)];
  const across = range(width >> 1, (x) => correlation(a, b, width, height, { x, y: 0 }));
  const middle = across.length >> 1;
  const most = Math.round(MOST_APART * width);
  const apart = across.slice(middle - most, middle + most + 1);
  const best = Math.max(...apart);
  if (best < ALIKE) return best;
  const x = apart.indexOf(best) - most;
  const up = range(height >> 1, (y) => correlation(a, b, width, height, { x, y }));
  const isClear = [elsewhere(across, middle + x), elsewhere(up, up.length >> 1)].every(
    (least) => least <= best - CLEARLY,
  );
  return isClear && isAsBright(one, other, x) ? best : 0;
}

/** From this far before to this far behind. */
const range = (most: number, of: (shift: number) => number): number[] =>
  Array.from({ length: 2 * most + 1 }, (_, i) => of(i - most));

/** The most of what lies beyond the slopes of a peak; of what has no slopes, the peak. */
function elsewhere(values: number[], peak: number): number {
  const top = values[peak] as number;
  const isFoot = (value: number) => value < top / 2;
  const right = values.slice(peak);
  const left = values.slice(0, peak + 1).reverse();
  return Math.max(
    ...[left, right].map((side) => {
      const foot = side.findIndex(isFoot);
      return foot < 0 ? top : Math.max(...side.slice(foot));
    }),
  );
}

/** Whether two pictures are about as bright in the same places. */
function isAsBright(one: Grey, other: Grey, shift: number): boolean {
  const { width, height } = one;
  const [left, right] = [Math.max(0, -shift), Math.min(width, width - shift)];
  let [squares, count] = [0, 0];
  for (let y = 0; y + PLACE <= height; y += PLACE)
    for (let x = left; x + PLACE <= right; x += PLACE) {
      squares += (meanAt(one, x, y) - meanAt(other, x + shift, y)) ** 2;
      count += 1;
    }
  return Math.sqrt(squares / count) <= BRIGHTNESS * deviation(one.values);
}

function meanAt({ values, width }: Grey, left: number, top: number): number {
  let sum = 0;
  for (let y = top; y < top + PLACE; y += 1)
    for (let x = left; x < left + PLACE; x += 1) sum += values[y * width + x] as number;
  return sum / PLACE ** 2;
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  return Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / values.length);
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
  by: { x: number; y: number },
): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let y = Math.max(0, -by.y); y < Math.min(height, height - by.y); y += 1)
    for (let x = Math.max(0, -by.x); x < Math.min(width, width - by.x); x += 1) {
      const [p, q] = [a[y * width + x] as number, b[(y + by.y) * width + x + by.x] as number];
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
