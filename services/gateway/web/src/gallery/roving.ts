/** Where tiles are: enough of a rectangle to move between rows. */
export interface Box {
  left: number;
  top: number;
  width: number;
}

type Key = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown' | 'Home' | 'End';

const KEYS = new Set<string>(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End']);

export const isRovingKey = (key: string): key is Key => KEYS.has(key);

/** The index a key leads to from `at`; rows of unequal tiles are crossed to the nearest centre. */
export function roveTo(key: Key, at: number, boxes: Box[]): number {
  const last = boxes.length - 1;
  if (key === 'Home') return 0;
  if (key === 'End') return last;
  if (key === 'ArrowLeft') return Math.max(at - 1, 0);
  if (key === 'ArrowRight') return Math.min(at + 1, last);
  return nearestInRow(at, boxes, key === 'ArrowDown' ? 1 : -1);
}

function nearestInRow(at: number, boxes: Box[], step: 1 | -1): number {
  const from = boxes[at];
  if (!from) return at;
  const centre = from.left + from.width / 2;
  let row: number | null = null;
  let best = at;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let i = at + step; i >= 0 && i < boxes.length; i += step) {
    const box = boxes[i] as Box;
    if (Math.abs(box.top - from.top) < 1) continue;
    if (row !== null && Math.abs(box.top - row) >= 1) break;
    row = box.top;
    const distance = Math.abs(box.left + box.width / 2 - centre);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = i;
    }
  }
  return best;
}
