/** Points as the converter writes them: GLB, and a tree of tiles of a wall before the camera. */

/** A GLB of red points at these places, in OpenCV's axes. */
export function glbOf(places) {
  const positions = Float32Array.from(places.flatMap(([x, y, z]) => [x, -y, -z]));
  const colours = Uint16Array.from(places.flatMap(() => [65535, 0, 0, 65535]));
  const data = Buffer.concat([Buffer.from(positions.buffer), Buffer.from(colours.buffer)]);
  const count = places.length;
  const json = {
    asset: { version: '2.0' },
    nodes: [{ mesh: 0 }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0, COLOR_0: 1 }, mode: 0 }] }],
    accessors: [
      { bufferView: 0, componentType: 5126, count, type: 'VEC3' },
      { bufferView: 1, componentType: 5123, count, type: 'VEC3', normalized: true },
    ],
    bufferViews: [
      { buffer: 0, byteOffset: 0, byteLength: positions.byteLength },
      {
        buffer: 0,
        byteOffset: positions.byteLength,
        byteLength: colours.byteLength,
        byteStride: 8,
      },
    ],
    buffers: [{ byteLength: data.length }],
  };
  const text = Buffer.from(JSON.stringify(json));
  const padded = Buffer.concat([text, Buffer.alloc((4 - (text.length % 4)) % 4, ' ')]);
  const head = Buffer.alloc(20);
  head.write('glTF', 0, 'latin1');
  head.writeUInt32LE(2, 4);
  head.writeUInt32LE(28 + padded.length + data.length, 8);
  head.writeUInt32LE(padded.length, 12);
  head.write('JSON', 16, 'latin1');
  const middle = Buffer.alloc(8);
  middle.writeUInt32LE(data.length, 0);
  middle.write('BIN\0', 4, 'latin1');
  return Buffer.concat([head, padded, middle, data]);
}

/** A wall three metres away, from `left` to `right`, of points this far apart. */
function wall(left, right, apart) {
  const places = [];
  for (let x = left + apart / 2; x < right; x += apart)
    for (let y = -1 + apart / 2; y < 1; y += apart) places.push([x, y, 3]);
  return places;
}

const SIDES = [
  ['r0.glb', -1, 0],
  ['r1.glb', 0, 1],
];

/** Files of the tree by name: a coarse root, and below it the left half and the right half. */
export const TREE = (() => {
  const tile = (file, left, right, apart, children = []) => ({
    file,
    count: wall(left, right, apart).length,
    bytes: 0,
    bounds: { low: [left, -1, 3], high: [right, 1, 3] },
    detail: apart,
    children,
  });
  const root = tile(
    'r.glb',
    -1,
    1,
    0.2,
    SIDES.map(([file, left, right]) => tile(file, left, right, 0.05)),
  );
  return new Map([
    ['tiles.json', Buffer.from(JSON.stringify({ version: 1, format: 'glb', count: 1600, root }))],
    ['r.glb', glbOf(wall(-1, 1, 0.2))],
    ...SIDES.map(([file, left, right]) => [file, glbOf(wall(left, right, 0.05))]),
  ]);
})();
