import type { Result } from './protocol';

/** Gaussians as planes of numbers; colours are 0 to 1. */
export interface Planes {
  means: Float32Array;
  scales: Float32Array;
  rotations: Float32Array;
  colours: Float32Array;
  opacities: Float32Array;
}

/** Points with colours of 0 to 255. */
export interface Points {
  means: Float32Array;
  colours: Uint8Array;
}

/** What a debug panel says of a result. */
export interface Checks {
  nan: number;
  infinite: number;
  behind: number;
  nearest: number;
  farthest: number;
}

/** Value of the constant spherical harmonic. */
const SH_C0 = 0.28209479177387814;
const PACKED_BYTES = 16;
const halves: { table: Float32Array | null } = { table: null };

/** Every float16, by its bits. */
export function halfTable(): Float32Array {
  if (halves.table) return halves.table;
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits += 1) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) table[bits] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  halves.table = table;
  return table;
}

/** The bytes at an address that is good for typed arrays: msgpack's may begin anywhere. */
function aligned(data: Uint8Array): ArrayBuffer {
  return data.slice().buffer as ArrayBuffer;
}

export function readPlanes({ data, format, n }: Result): Planes {
  const values = format === 'fp32' ? new Float32Array(aligned(data)) : fromHalves(data);
  if (values.length < n * 14) throw new TypeError('a result has fewer numbers than splats need');
  const colours = values.slice(n * 10, n * 13);
  for (let i = 0; i < colours.length; i += 1) {
    colours[i] = 0.5 + SH_C0 * (colours[i] as number);
  }
  return {
    means: values.subarray(0, n * 3),
    scales: values.subarray(n * 3, n * 6),
    rotations: values.subarray(n * 6, n * 10),
    colours,
    opacities: values.subarray(n * 13, n * 14),
  };
}

function fromHalves(data: Uint8Array): Float32Array {
  const table = halfTable();
  return Float32Array.from(new Uint16Array(aligned(data)), (bits) => table[bits] as number);
}

export function readPoints({ data, n }: Result): Points {
  if (data.length < n * 15) throw new TypeError('a result has fewer bytes than points need');
  return {
    means: new Float32Array(aligned(data.subarray(0, n * 12))),
    colours: data.slice(n * 12, n * 15),
  };
}

/** Points of an RGBD result; `rgba` are the frame's pixels at the size of the disparity. */
export function unproject(result: Result, rgba: Uint8ClampedArray, most: number): Points {
  const { width = 0, height = 0, near = 1, far = 1, fov, disparity } = result;
  if (!disparity || disparity.length < width * height) throw new TypeError('disparity is missing');
  const stride = Math.max(1, Math.ceil(Math.sqrt((width * height) / most)));
  const columns = Math.ceil(width / stride);
  const rows = Math.ceil(height / stride);
  const means = new Float32Array(columns * rows * 3);
  const colours = new Uint8Array(columns * rows * 3);
  const focal = height / 2 / Math.tan((fov * Math.PI) / 360);
  const step = (1 / near - 1 / far) / 255;
  let at = 0;
  for (let y = 0; y < height; y += stride) {
    for (let x = 0; x < width; x += stride) {
      const pixel = y * width + x;
      const z = 1 / (1 / far + step * (disparity[pixel] as number));
      means[at] = ((x + 0.5 - width / 2) / focal) * z;
      means[at + 1] = ((y + 0.5 - height / 2) / focal) * z;
      means[at + 2] = z;
      for (let c = 0; c < 3; c += 1) colours[at + c] = rgba[pixel * 4 + c] as number;
      at += 3;
    }
  }
  return { means, colours };
}

/** The middles of packed splats, (n, 3). */
export function packedMeans({ data, n }: Result): Float32Array {
  const table = halfTable();
  const means = new Float32Array(n * 3);
  for (let i = 0; i < n; i += 1) {
    for (let axis = 0; axis < 3; axis += 1) {
      const at = i * PACKED_BYTES + 4 + axis * 2;
      means[i * 3 + axis] = table[(data[at] as number) | ((data[at + 1] as number) << 8)] as number;
    }
  }
  return means;
}

/** Looks for what must not be there: numbers that are none, and things behind the camera. */
export function inspect(means: Float32Array): Checks {
  const checks = { nan: 0, infinite: 0, behind: 0, nearest: Infinity, farthest: 0 };
  for (let i = 0; i < means.length; i += 1) {
    const value = means[i] as number;
    if (Number.isNaN(value)) checks.nan += 1;
    else if (!Number.isFinite(value)) checks.infinite += 1;
    else if (i % 3 === 2) {
      if (value <= 0) checks.behind += 1;
      checks.nearest = Math.min(checks.nearest, value);
      checks.farthest = Math.max(checks.farthest, value);
    }
  }
  return checks;
}

/** The distance that half of the content lies beyond, from a sample. */
export function middle(means: Float32Array): number {
  const stride = Math.max(1, Math.floor(means.length / 3 / 1000));
  const depths: number[] = [];
  for (let i = 2; i < means.length; i += 3 * stride) {
    const z = means[i] as number;
    if (z > 0 && Number.isFinite(z)) depths.push(z);
  }
  depths.sort((a, b) => a - b);
  return depths[depths.length >> 1] ?? 1;
}
