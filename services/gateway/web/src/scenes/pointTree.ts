/** A tree of tiles of points as `tiles.json` tells it; bounds in metres, OpenCV axes. */
export interface PointTile {
  file: string;
  count: number;
  bounds: { low: Triple; high: Triple };
  /** How far neighbours are apart, in metres. */
  detail: number;
  children: PointTile[];
}

export type Triple = [number, number, number];

/** Planes that look inwards, each (x, y, z, offset): what lies behind one of them is not seen. */
export type Planes = readonly (readonly [number, number, number, number])[];

export interface Viewer {
  eye: Triple;
  planes: Planes;
  /** Focal length in pixels. */
  focal: number;
}

export interface Selection {
  /** What is drawn now. */
  shown: PointTile[];
  /** What would be better and is not here, the most urgent first. */
  wanted: PointTile[];
}

/** Neighbours of a tile that are closer than this many pixels are fine enough. */
const FINE_PIXELS = 1.5;

/**
 * Which tiles are drawn: those that are seen, coarse ones replaced by what is below them, where that shows most first,
 * as long as it is here and all together are no more than `budget` points.
 */
export function selectTiles(
  root: PointTile,
  viewer: Viewer,
  budget: number,
  isHere: (tile: PointTile) => boolean,
): Selection {
  const shown: PointTile[] = [];
  const wanted: { tile: PointTile; coarse: number }[] = [];
  const open = isSeen(root, viewer) ? [{ tile: root, coarse: Number.POSITIVE_INFINITY }] : [];
  let points = open.length ? root.count : 0;
  while (open.length) {
    open.sort((a, b) => a.coarse - b.coarse);
    const { tile } = open.pop() as { tile: PointTile };
    const coarse = pixelsApart(tile, viewer);
    const below = tile.children.filter((child) => isSeen(child, viewer));
    const more = below.reduce((sum, { count }) => sum + count, 0) - tile.count;
    const isFine = coarse <= FINE_PIXELS || tile.children.length === 0;
    const missing = isFine ? [] : below.filter((child) => !isHere(child));
    if (!isHere(tile)) wanted.push({ tile, coarse: Number.POSITIVE_INFINITY });
    if (isFine || points + more > budget || missing.length > 0) {
      if (isHere(tile)) shown.push(tile);
      if (points + more <= budget)
        wanted.push(...missing.map((child) => ({ tile: child, coarse })));
      continue;
    }
    points += more;
    open.push(...below.map((child) => ({ tile: child, coarse: pixelsApart(child, viewer) })));
  }
  wanted.sort((a, b) => b.coarse - a.coarse);
  return { shown, wanted: wanted.map(({ tile }) => tile) };
}

/** How far neighbours of a tile are apart on the screen where it is nearest, in pixels. */
function pixelsApart({ bounds, detail }: PointTile, { eye, focal }: Viewer): number {
  const away = Math.hypot(
    ...([0, 1, 2] as const).map((axis) =>
      Math.max(bounds.low[axis] - eye[axis], 0, eye[axis] - bounds.high[axis]),
    ),
  );
  return away > 0 ? (detail / away) * focal : Number.POSITIVE_INFINITY;
}

/** Whether any of a box is in front of all planes. */
function isSeen({ bounds: { low, high } }: PointTile, { planes }: Viewer): boolean {
  return planes.every(([x, y, z, offset]) => {
    const nearest =
      x * (x > 0 ? high : low)[0] + y * (y > 0 ? high : low)[1] + z * (z > 0 ? high : low)[2];
    return nearest + offset >= 0;
  });
}

/** What `tiles.json` says. Throws TypeError for anything else. */
export function readTree(text: string): PointTile {
  const { root, format } = JSON.parse(text) as { root?: PointTile; format?: string };
  const isTree = (tile?: PointTile): boolean =>
    typeof tile?.file === 'string' &&
    [...(tile.bounds?.low ?? []), ...(tile.bounds?.high ?? [])].filter(Number.isFinite).length ===
      6 &&
    Array.isArray(tile.children) &&
    tile.children.every(isTree);
  if (format !== 'glb' || !root || !isTree(root)) throw new TypeError('this is no tree of points');
  return root;
}
