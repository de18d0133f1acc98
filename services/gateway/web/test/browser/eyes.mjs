/** Whether both eyes see what they are to see: compared by structure with small pictures that are kept. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const KEPT = fileURLToPath(new URL('./eyes/', import.meta.url));
const ALIKE = 0.85;
/** One eye's picture as it is kept, in pixels; both beside one another. */
const SIZE = 40;

/**
 * Compares a screenshot of both eyes with the one that is kept under this name: how light and dark are spread, not
 * pixels. `EYES=keep` keeps it instead, for somebody who has looked at it.
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
    const alike = correlation(now[eye], before[eye]);
    assert.ok(alike > ALIKE, `${name}: the ${eye} eye sees something else (${alike.toFixed(2)})`);
  }
}

/** By how much the eyes' pictures differ, 0 to 255: nothing where there is no depth. */
export async function parallax(page, shot) {
  const { left, right } = await greys(page, shot);
  return left.reduce((sum, value, i) => sum + Math.abs(value - right[i]), 0) / left.length;
}

function correlation(a, b) {
  const mean = (all) => all.reduce((sum, value) => sum + value, 0) / all.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  }
  return ab / Math.sqrt(aa * bb || 1);
}

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
