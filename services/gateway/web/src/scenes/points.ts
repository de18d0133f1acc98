import type { Points } from '../render/cloud';

const LONGEST_HEADER = 16_384;
const ENDING = 'end_header\n';
const BYTES: Record<string, number> = {
  char: 1,
  uchar: 1,
  short: 2,
  ushort: 2,
  int: 4,
  uint: 4,
  float: 4,
  double: 8,
};

/** Reads little-endian PLY of float x, y, z and uchar red, green, blue; throws TypeError for any other. */
export function readPly(bytes: Uint8Array): Points {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, LONGEST_HEADER));
  const end = head.indexOf(ENDING);
  const count = Number(/^element vertex (\d+)$/m.exec(head)?.[1] ?? Number.NaN);
  if (!/^format binary_little_endian 1\.0$/m.test(head) || end < 0 || !Number.isFinite(count))
    throw new TypeError('this is no binary PLY of points');
  const offsets = new Map<string, number>();
  let stride = 0;
  for (const [, type = '', name = ''] of head.slice(0, end).matchAll(/^property (\S+) (\S+)$/gm)) {
    offsets.set(`${type} ${name}`, stride);
    stride += BYTES[type] ?? Number.NaN;
  }
  const at = (property: string) => offsets.get(property) ?? Number.NaN;
  const axes = ['x', 'y', 'z'].map((axis) => at(`float ${axis}`));
  const shades = ['red', 'green', 'blue'].map((shade) => at(`uchar ${shade}`));
  const body = end + ENDING.length;
  if (![stride, ...axes, ...shades].every(Number.isFinite))
    throw new TypeError('points of a PLY need float x, y, z and uchar red, green, blue');
  if (bytes.byteLength < body + count * stride)
    throw new TypeError('a PLY has fewer bytes than its points need');
  const data = new DataView(bytes.buffer, bytes.byteOffset + body, count * stride);
  const positions = new Float32Array(count * 3);
  const colours = new Uint8Array(count * 3);
  for (let point = 0; point < count; point += 1) {
    for (let part = 0; part < 3; part += 1) {
      positions[point * 3 + part] = data.getFloat32(point * stride + (axes[part] ?? 0), true);
      colours[point * 3 + part] = data.getUint8(point * stride + (shades[part] ?? 0));
    }
  }
  return { positions, colours };
}
