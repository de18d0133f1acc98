/** Where tiles of a justified grid lie. Lengths are in CSS pixels. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface RowLayout {
  boxes: Box[];
  height: number;
}

/** The last row is not stretched beyond this part of the wanted height. */
const LAST_ROW_STRETCH = 1.15;

/**
 * Breaks pictures of these aspects (width by height) into rows of equal height that fill `width`.
 * Each row ends where its height comes nearest to `row`, so that rows differ as little as can be.
 */
export function justify(aspects: number[], width: number, row: number, gap: number): RowLayout {
  const boxes: Box[] = [];
  let top = 0;
  let from = 0;
  while (from < aspects.length) {
    const { end, height } = nextRow(aspects, from, width, row, gap);
    let left = 0;
    for (let at = from; at < end; at += 1) {
      const wide = Math.min((aspects[at] as number) * height, width);
      boxes.push({ left, top, width: wide, height });
      left += wide + gap;
    }
    top += height + gap;
    from = end;
  }
  return { boxes, height: Math.max(top - gap, 0) };
}

function nextRow(
  aspects: number[],
  from: number,
  width: number,
  row: number,
  gap: number,
): { end: number; height: number } {
  let sum = 0;
  let before = Number.POSITIVE_INFINITY;
  for (let at = from; at < aspects.length; at += 1) {
    sum += aspects[at] as number;
    const height = (width - gap * (at - from)) / sum;
    if (height > row) {
      before = height;
      continue;
    }
    const closerWithout = at > from && before / row < row / height;
    return closerWithout ? { end: at, height: before } : { end: at + 1, height };
  }
  return { end: aspects.length, height: Math.min(before, row * LAST_ROW_STRETCH) };
}

/** How much of the height of a grid a picture takes of which nothing is known: as many fill a row as fit at its height. */
export function usualShare(width: number, row: number, gap: number): number {
  const perRow = Math.max((width + gap) / (USUAL_ASPECT * row + gap), 1);
  return (row + gap) / perRow;
}

/** Of photos of which nothing is known: between 4:3 and 3:2, some upright. */
const USUAL_ASPECT = 1.3;

/** The first and last (exclusive) of boxes, which lie in order, that reach into a span from top to bottom. */
export function boxesWithin(boxes: Box[], top: number, bottom: number): [number, number] {
  const first = firstWhere(boxes, (box) => box.top + box.height >= top);
  const last = firstWhere(boxes, (box) => box.top > bottom);
  return [first, Math.max(last, first)];
}

/** The first of boxes for which a condition holds that holds for all after it; their number where there is none. */
export function firstWhere<T>(items: T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
