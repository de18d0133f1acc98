/** How high rows of pictures are, and how far apart. */
export interface Measures {
  row: number;
  gap: number;
}

/** What a person wants: heights by the usual ones, and about how many beside one another. */
export interface Wanted {
  size: number;
  perRow: number;
}

const NARROW_PX = 600;
const LOWEST_PX = 160;
const HIGHEST_PX = 235;
const USUAL_ASPECT = 1.4;

let wanted: Wanted = { size: 1, perRow: 8 };

/** For all grids of the page, from the next time that they are laid out. */
export function setRows(rows: Wanted): void {
  wanted = rows;
}

/** Rows of a grid of this width, in pixels. */
export function measuresOf(width: number, { size, perRow }: Wanted = wanted): Measures {
  if (width < NARROW_PX) return { row: Math.min(112 * size, width), gap: 2 };
  const fitting = width / (perRow * USUAL_ASPECT);
  const row = Math.min(Math.max(fitting, LOWEST_PX), HIGHEST_PX);
  return { row: Math.min(row * size, width), gap: 5 };
}
