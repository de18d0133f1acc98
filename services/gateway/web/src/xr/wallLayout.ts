import { radians, textHeight, wrap } from './angles';

/** The wall of thumbnails: a part of a cylinder around the viewer, columns from left to right, the newest first. */
export interface WallShape {
  /** Metres from the viewer. */
  radius: number;
  rows: number;
  /** Columns that lie before the viewer at the same time. */
  columns: number;
  /** The angle from one column to the next. */
  pitch: number;
  /** Of one thumbnail: angle across, metres up. */
  width: number;
  height: number;
  /** Metres from one row to the next. */
  rise: number;
}

/** What may be chosen; the names are those of the gallery's settings. */
export interface WallWish {
  rowWidth: number;
  thumbnailSize: number;
  rows: number;
  seated: boolean;
}

const RADIUS = 2.2;
/** What one sees without turning round: standing, and in a chair. */
const SPAN = { standing: radians(116), seated: radians(92) };
const GAP = 0.1;
const MOST_ROWS = 6;
/** Pictures that are kept at the same time: of more than so many on the wall some would come and go for ever. */
export const MOST_PICTURES = 96;
/** Columns that are half seen at the sides of those before the viewer, or about to be. */
const COLUMNS_BEYOND = 4;
const ASPECT = 4 / 3;
export const WALL_TEXT = textHeight(RADIUS);

export function shapeWall({ rowWidth, thumbnailSize, rows, seated }: WallWish): WallShape {
  const span = seated ? SPAN.seated : SPAN.standing;
  const pitch = (span / Math.min(Math.max(rowWidth, 3), 16)) * thumbnailSize;
  const wanted = Math.min(Math.max(Math.round(rows), 1), MOST_ROWS);
  const columns = Math.min(
    Math.max(1, Math.round(span / pitch)),
    Math.floor(MOST_PICTURES / wanted) - COLUMNS_BEYOND,
  );
  const width = pitch * (1 - GAP);
  const height = (RADIUS * width) / ASPECT;
  return {
    radius: RADIUS,
    rows: wanted,
    columns,
    pitch,
    width,
    height,
    rise: height + RADIUS * pitch * GAP,
  };
}

/** How many columns so many thumbnails take. */
export const columnsOf = (count: number, { rows }: WallShape): number => Math.ceil(count / rows);

/** Between which scroll places (in columns) the wall moves: its ends come to the middle, or it stays where all is seen. */
export function endsOf(count: number, shape: WallShape): [from: number, to: number] {
  const last = columnsOf(count, shape) - 1;
  const half = (shape.columns - 1) / 2;
  if (last <= 2 * half) return [last / 2, last / 2];
  return [half, last - half];
}

export interface Cell {
  azimuth: number;
  /** Metres above the eyes. */
  y: number;
}

/** Where a thumbnail lies while the wall is scrolled to a column. */
export function cellAt(index: number, scroll: number, shape: WallShape): Cell {
  const column = Math.floor(index / shape.rows);
  const row = index % shape.rows;
  return {
    azimuth: (column - scroll) * shape.pitch,
    y: ((shape.rows - 1) / 2 - row) * shape.rise,
  };
}

/** Which thumbnails are seen, and a little beyond: first, and one after the last. */
export function seenAt(scroll: number, count: number, shape: WallShape): [number, number] {
  const reach = (shape.columns + COLUMNS_BEYOND - 1) / 2;
  const first = Math.max(0, Math.ceil(scroll - reach));
  const last = Math.floor(scroll + reach);
  return [first * shape.rows, Math.min(count, (last + 1) * shape.rows)];
}

/** The thumbnail at a place on the wall; -1 for what lies between them, or none. */
export function indexAt(
  { azimuth, y }: Cell,
  scroll: number,
  count: number,
  shape: WallShape,
): number {
  const column = Math.round(wrap(azimuth) / shape.pitch + scroll);
  const row = Math.round((shape.rows - 1) / 2 - y / shape.rise);
  if (column < 0 || row < 0 || row >= shape.rows) return -1;
  const index = column * shape.rows + row;
  if (index >= count) return -1;
  const cell = cellAt(index, scroll, shape);
  const inside =
    Math.abs(cell.azimuth - wrap(azimuth)) <= shape.width / 2 &&
    Math.abs(cell.y - y) <= shape.height / 2;
  return inside ? index : -1;
}

/** Where a ray meets a cylinder around the origin from within; null where it goes up or down its middle. */
export function meetCylinder(
  origin: [number, number, number],
  direction: [number, number, number],
  radius: number,
): { distance: number; cell: Cell } | null {
  const [ox, oy, oz] = origin;
  const [dx, dy, dz] = direction;
  const a = dx * dx + dz * dz;
  if (a < 1e-6) return null;
  const b = ox * dx + oz * dz;
  const c = ox * ox + oz * oz - radius * radius;
  const root = b * b - a * c;
  if (root < 0) return null;
  const distance = (-b + Math.sqrt(root)) / a;
  if (distance <= 0) return null;
  const [x, y, z] = [ox + dx * distance, oy + dy * distance, oz + dz * distance];
  return { distance, cell: { azimuth: Math.atan2(x, -z), y } };
}
