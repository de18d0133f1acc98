import { expect, it } from 'vitest';
import { pressedLie } from '../../src/xr/lieButtons';
import { PLAIN } from '../../src/xr/projection';
import { type Grey, layoutSeen, SMALL } from '../../src/xr/twoEyes';

/** Noise that is the same for the same seed, and some pixels wide. */
function noise(width: number, height: number, seed: number): Grey {
  const values = new Float32Array(width * height);
  let state = seed;
  const cells = Array.from({ length: 600 }, () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  });
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      values[y * width + x] =
        255 * (cells[(Math.floor(y / 4) * 31 + Math.floor(x / 4)) % 600] ?? 0);
  return { values, width, height };
}

/** What an eye sees, one of which sees it all a little to the side. */
const eye = (width: number, height: number, shift: number): Grey => {
  const wide = noise(width + 8, height, 7);
  const values = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      values[y * width + x] = wide.values[y * (width + 8) + x + shift] as number;
  return { values, width, height };
};

function beside(left: Grey, right: Grey): Grey {
  const width = left.width + right.width;
  const values = new Float32Array(width * left.height);
  for (let y = 0; y < left.height; y += 1) {
    values.set(left.values.subarray(y * left.width, (y + 1) * left.width), y * width);
    const row = right.values.subarray(y * right.width, (y + 1) * right.width);
    values.set(row, y * width + left.width);
  }
  return { values, width, height: left.height };
}

function above(top: Grey, bottom: Grey): Grey {
  const values = new Float32Array(top.values.length + bottom.values.length);
  values.set(top.values);
  values.set(bottom.values, top.values.length);
  return { values, width: top.width, height: top.height + bottom.height };
}

const { width, height } = SMALL;

it('a picture of two that two eyes see is known by what it shows, whatever it is called', () => {
  const [half, low] = [width / 2, height / 2];
  expect(layoutSeen(beside(eye(half, height, 0), eye(half, height, 3)))).toBe('sbs');
  expect(layoutSeen(above(eye(width, low, 0), eye(width, low, 3)))).toBe('tb');
});

it('a picture that is one is not taken for two', () => {
  expect(layoutSeen(noise(width, height, 3))).toBeNull();
  // Sky over land: both halves have the same layers, and nothing in them that is in its place.
  const layers = noise(width, height, 5);
  const land = layers.values.map(
    (value, i) => (i < layers.values.length / 2 ? 230 : 60) + value / 20,
  );
  expect(layoutSeen({ ...layers, values: land })).toBeNull();
  expect(layoutSeen({ ...layers, values: new Float32Array(width * height) })).toBeNull();
});

it('a picture of what repeats is not taken for two, a fence, a front of windows, or trunks', () => {
  const drawn = (of: (x: number, y: number) => number): Grey => {
    const { values } = noise(width, height, 9);
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1)
        values[y * width + x] = of(x, y) + (values[y * width + x] as number) / 16;
    return { values, width, height };
  };
  for (const period of [4, 6, 8, 12, 16, 24]) {
    const isBar = (at: number) => at % period < period / 2;
    expect(layoutSeen(drawn((x) => (isBar(x) ? 200 : 60))), `boards of ${period}`).toBeNull();
    const front = drawn((x, y) => (isBar(x) && isBar(y) ? 40 : 180));
    expect(layoutSeen(front), `windows of ${period}`).toBeNull();
  }
  const bark = noise(width, 1, 11).values;
  expect(layoutSeen(drawn((x) => bark[x] as number))).toBeNull();
});

it('a picture whose halves have the same lines in another light is not taken for two', () => {
  const [left, right] = [eye(width / 2, height, 0), eye(width / 2, height, 2)];
  const lit = right.values.map((value, i) => value + 6 * Math.floor(i / (width / 2)));
  expect(layoutSeen(beside(left, { ...right, values: lit }))).toBeNull();
});

it('a button goes on to the next way a picture may lie, and tells apart squeezed halves by its size', () => {
  const sbs = pressedLie('layout', PLAIN, 3200, 1200);
  expect(sbs).toMatchObject({ layout: 'sbs', half: false });
  expect(pressedLie('layout', PLAIN, 1920, 1080)).toMatchObject({ layout: 'sbs', half: true });
  expect(sbs && pressedLie('swap', sbs, 3200, 1200)).toMatchObject({ crossed: true });
  const tb = sbs && pressedLie('layout', sbs, 3200, 1200);
  expect(tb).toMatchObject({ layout: 'tb' });
  expect(tb && pressedLie('layout', tb, 3200, 1200)).toEqual(PLAIN);
  expect(pressedLie('shape', PLAIN, 4000, 2000)).toMatchObject({ shape: '180' });
  expect(pressedLie('next', PLAIN, 4000, 2000)).toBeNull();
});
