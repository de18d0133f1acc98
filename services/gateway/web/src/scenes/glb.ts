import type { Points } from '../render/cloud';

/** What is read of a GLB: the first primitive of points in it, plain or packed by meshopt. */
interface Gltf {
  nodes?: { mesh?: number; translation?: number[]; scale?: number[] }[];
  meshes?: { primitives: { attributes: Record<string, number>; mode?: number }[] }[];
  accessors?: {
    bufferView: number;
    componentType: number;
    count: number;
    type: string;
    byteOffset?: number;
  }[];
  bufferViews?: {
    byteOffset?: number;
    byteLength: number;
    byteStride?: number;
    extensions?: { EXT_meshopt_compression?: Packed };
  }[];
}

interface Packed {
  byteOffset?: number;
  byteLength: number;
  byteStride: number;
  count: number;
}

const MAGIC = 0x46546c67;
const [JSON_CHUNK, BIN_CHUNK] = [0x4e4f534a, 0x004e4942];
const [UNSIGNED_SHORT, FLOAT] = [5123, 5126];
const POINTS = 0;
const WIDTHS: Record<string, number> = { VEC3: 3, VEC4: 4 };

/** Reads points as our converter writes them; in OpenCV's axes, colours in sRGB. Throws TypeError for any other. */
export async function readGlb(bytes: Uint8Array): Promise<Points> {
  const { json, data } = chunksOf(bytes);
  const primitive = json.meshes?.[0]?.primitives[0];
  const [position, colour] = ['POSITION', 'COLOR_0'].map((name) => primitive?.attributes[name]);
  if (primitive?.mode !== POINTS || position === undefined)
    throw new TypeError('this is no GLB of points');
  const node = json.nodes?.[0];
  const places = await valuesOf(json, data, position);
  const count = places.values.length / places.width;
  return {
    positions: placed(places.values, places.width, node?.scale, node?.translation),
    colours:
      colour === undefined ? white(count) : toSrgb(await valuesOf(json, data, colour), count),
  };
}

function chunksOf(bytes: Uint8Array): { json: Gltf; data: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 28 || view.getUint32(0, true) !== MAGIC)
    throw new TypeError('this is no GLB');
  const length = view.getUint32(12, true);
  const second = 20 + length;
  const isWhole = view.getUint32(16, true) === JSON_CHUNK && second + 8 <= bytes.byteLength;
  if (!isWhole || view.getUint32(second + 4, true) !== BIN_CHUNK)
    throw new TypeError('a GLB is cut off');
  const json = JSON.parse(new TextDecoder().decode(bytes.subarray(20, second))) as Gltf;
  return { json, data: bytes.subarray(second + 8) };
}

interface Values {
  values: Float32Array | Uint16Array;
  width: number;
}

async function valuesOf(json: Gltf, data: Uint8Array, index: number): Promise<Values> {
  const accessor = json.accessors?.[index];
  const view = json.bufferViews?.[accessor?.bufferView ?? -1];
  const width = WIDTHS[accessor?.type ?? ''];
  if (!accessor || !view || !width) throw new TypeError('a GLB names what is not in it');
  const { componentType, count } = accessor;
  if (componentType !== UNSIGNED_SHORT && componentType !== FLOAT)
    throw new TypeError('points of a GLB have components that are not read');
  const size = componentType === FLOAT ? 4 : 2;
  const packed = view.extensions?.EXT_meshopt_compression;
  const from = view.byteOffset ?? 0;
  const raw = packed ? await unpacked(data, packed) : data.subarray(from, from + view.byteLength);
  const stride = (packed?.byteStride ?? view.byteStride ?? width * size) / size;
  const begin = packed ? 0 : (accessor.byteOffset ?? 0);
  if (raw.byteLength < begin + ((count - 1) * stride + width) * size)
    throw new TypeError('a GLB has fewer bytes than its points need');
  const aligned = raw.slice(begin, begin + Math.floor((raw.byteLength - begin) / size) * size);
  const all = size === 4 ? new Float32Array(aligned.buffer) : new Uint16Array(aligned.buffer);
  if (stride === width) return { values: all.subarray(0, count * width), width };
  const values = size === 4 ? new Float32Array(count * width) : new Uint16Array(count * width);
  for (let row = 0; row < count; row += 1)
    for (let part = 0; part < width; part += 1)
      values[row * width + part] = all[row * stride + part] as number;
  return { values, width };
}

async function unpacked(data: Uint8Array, packed: Packed): Promise<Uint8Array> {
  const { MeshoptDecoder } = await import('three/addons/libs/meshopt_decoder.module.js');
  await MeshoptDecoder.ready;
  const { byteOffset = 0, byteLength, byteStride, count } = packed;
  const target = new Uint8Array(count * byteStride);
  const source = data.subarray(byteOffset, byteOffset + byteLength);
  MeshoptDecoder.decodeGltfBuffer(target, count, byteStride, source, 'ATTRIBUTES', 'NONE');
  return target;
}

/** Where they are, from glTF's axes (y up, z backwards) to OpenCV's. Whole numbers are parts of their range. */
function placed(
  values: Float32Array | Uint16Array,
  width: number,
  scale = [1, 1, 1],
  translation = [0, 0, 0],
): Float32Array {
  const unit = values instanceof Uint16Array ? 1 / 65535 : 1;
  const count = values.length / width;
  const positions = new Float32Array(count * 3);
  for (let axis = 0; axis < 3; axis += 1) {
    const side = axis === 0 ? 1 : -1;
    const by = side * unit * (scale[axis] as number);
    const from = side * (translation[axis] as number);
    for (let row = 0; row < count; row += 1)
      positions[row * 3 + axis] = (values[row * width + axis] as number) * by + from;
  }
  return positions;
}

const white = (count: number) => new Uint8Array(count * 3).fill(255);

/** From linear to sRGB (IEC 61966-2-1), of 0 to 255. */
function toSrgb({ values, width }: Values, count: number): Uint8Array {
  const colours = new Uint8Array(count * 3);
  const isWhole = values instanceof Uint16Array;
  for (let row = 0; row < count; row += 1) {
    for (let part = 0; part < 3; part += 1) {
      const value = values[row * width + part] as number;
      const at = isWhole ? value : Math.min(Math.max(value, 0), 1) * 65535;
      colours[row * 3 + part] = TABLE[Math.round(at)] as number;
    }
  }
  return colours;
}

const TABLE = Uint8Array.from({ length: 65536 }, (_, index) => {
  const linear = index / 65535;
  const srgb = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(srgb * 255);
});
