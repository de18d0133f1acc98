/** Whether both eyes see what they are to see: compared by structure with small pictures that are kept. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const KEPT = fileURLToPath(new URL('./eyes/', import.meta.url));
/** One eye's picture as it is kept, in pixels; both beside one another. */
const SIZE = 40;
/** Structure is compared in squares of so many pixels, each half over the next. */
const SQUARE = 8;
/** Of all squares, those that are least alike decide: a panel before a place is in a few of them. */
const WORST = 0.1;
const ALIKE = 0.4;

/**
 * Compares a screenshot of both eyes with the one that is kept under this name: how light and dark are spread in each
 * part, not pixels. `EYES=keep` keeps it instead, for somebody who has looked at it.
 */
export async function seesAsKept(page, name, shot) {
  const kept = `${KEPT}${name}.png`;
  if (process.env.EYES === 'keep') {
    mkdirSync(KEPT, { recursive: true });
    writeFileSync(kept, Buffer.from(await small(page, shot), 'base64'));
    return;
  }
  assert.ok(
    existsSync(kept),
    `no picture is kept of ${name}: look at it, and keep it with EYES=keep`,
  );
  const [now, before] = await Promise.all([greys(page, shot), greys(page, readFileSync(kept))]);
  for (const eye of ['left', 'right']) {
    const alike = likeness(now[eye], before[eye]);
    assert.ok(alike > ALIKE, `${name}: the ${eye} eye sees something else (${alike.toFixed(2)})`);
  }
}

/** Fails unless what is kept under these names is told apart by the same measure. */
export async function tellsApart(page, names) {
  const pictures = names.map((name) => readFileSync(`${KEPT}${name}.png`));
  const kept = await Promise.all(pictures.map((png) => greys(page, png)));
  for (const [i, one] of kept.entries())
    for (const [j, other] of kept.entries())
      if (i < j) {
        const alike = likeness(one.left, other.left);
        assert.ok(alike < ALIKE, `${names[i]} and ${names[j]} are alike (${alike.toFixed(2)})`);
      }
}

/** By how much the eyes' pictures differ, 0 to 255: nothing where there is no depth. */
export async function parallax(page, shot) {
  const { left, right } = await greys(page, shot);
  return left.reduce((sum, value, i) => sum + Math.abs(value - right[i]), 0) / left.length;
}

/** Structural similarity (Wang et al., 2004) of two pictures where they are least alike: 1 where they are the same. */
function likeness(a, b) {
  const all = [];
  const step = SQUARE / 2;
  for (let top = 0; top + SQUARE <= SIZE; top += step)
    for (let left = 0; left + SQUARE <= SIZE; left += step)
      all.push(similarity(square(a, left, top), square(b, left, top)));
  all.sort((one, other) => one - other);
  return mean(all.slice(0, Math.ceil(WORST * all.length)));
}

function square(picture, left, top) {
  const taken = [];
  for (let y = top; y < top + SQUARE; y += 1)
    for (let x = left; x < left + SQUARE; x += 1) taken.push(picture[y * SIZE + x]);
  return taken;
}

function similarity(a, b) {
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
  const [ma, mb] = [mean(a), mean(b)];
  const spread = (p, mp, q, mq) => mean(p.map((value, i) => (value - mp) * (q[i] - mq)));
  const [aa, bb, ab] = [spread(a, ma, a, ma), spread(b, mb, b, mb), spread(a, ma, b, mb)];
  return ((2 * ma * mb + c1) * (2 * ab + c2)) / ((ma * ma + mb * mb + c1) * (aa + bb + c2));
}

const mean = (all) => all.reduce((sum, value) => sum + value, 0) / all.length;

const small = (page, png) => page.evaluate(shrink, [png.toString('base64'), SIZE, 'png']);

async function greys(page, png) {
  const { left, right } = await page.evaluate(shrink, [png.toString('base64'), SIZE, 'greys']);
  return { left, right };
}

/** In the page: both eyes as small pictures, in grey; or both as one PNG. */
async function shrink([base64, size, as]) {
  const image = new Image();
  image.src = `data:image/png;base64,${base64}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = 2 * size;
  canvas.height = size;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, 2 * size, size);
  if (as === 'png') return canvas.toDataURL('image/png').split(',')[1];
  const { data } = context.getImageData(0, 0, 2 * size, size);
  const grey = (x, y) => {
    const at = (y * 2 * size + x) * 4;
    return 0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2];
  };
  const eye = (from) =>
    Array.from({ length: size * size }, (_, i) => grey(from + (i % size), Math.floor(i / size)));
  return { left: eye(0), right: eye(size) };
}
