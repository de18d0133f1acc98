/** How one likes VR, kept in this browser. */
export interface Likings {
  leftHanded: boolean;
  seated: boolean;
  rows: number;
  quality: 'auto' | 'light' | 'full';
}

const KEY = 'immichvr.xr';
export const USUAL: Likings = { leftHanded: false, seated: false, rows: 3, quality: 'auto' };
const ROWS = [2, 3, 4, 5];

/** What was kept, as far as it can be understood. */
export function asLikings(kept: string | null): Likings {
  let told: Record<string, unknown> = {};
  try {
    told = Object(JSON.parse(kept ?? '{}'));
  } catch {
    // As if nothing was kept.
  }
  const { leftHanded, seated, rows, quality } = told;
  return {
    leftHanded: leftHanded === true,
    seated: seated === true,
    rows: ROWS.find((one) => one === rows) ?? USUAL.rows,
    quality: quality === 'light' || quality === 'full' ? quality : 'auto',
  };
}

export const readLikings = (): Likings => asLikings(localStorage.getItem(KEY));
export const keepLikings = (likings: Likings): void =>
  localStorage.setItem(KEY, JSON.stringify(likings));

export const nextRows = (rows: number): number =>
  ROWS[(ROWS.indexOf(rows) + 1) % ROWS.length] ?? USUAL.rows;

const QUALITIES = ['auto', 'light', 'full'] as const;

export const nextQuality = (quality: Likings['quality']): Likings['quality'] =>
  QUALITIES[(QUALITIES.indexOf(quality) + 1) % QUALITIES.length] ?? USUAL.quality;
