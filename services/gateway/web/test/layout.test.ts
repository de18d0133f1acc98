import { describe, expect, it } from 'vitest';
import { boxesWithin, justify } from '../src/grid/layout';

const ASPECTS = Array.from(
  { length: 500 },
  (_, i) => [1.5, 0.75, 1.33, 1, 1.78, 0.67][(i * 7) % 6] as number,
);

function rows(aspects: number[], width: number, row: number, gap: number) {
  const found = new Map<number, { height: number; right: number }>();
  for (const { top, height, left, width: wide } of justify(aspects, width, row, gap).boxes)
    found.set(top, { height, right: left + wide });
  return [...found.values()];
}

describe('a justified grid', () => {
  it('fills every row but the last, at heights near the wanted one', () => {
    const laid = rows(ASPECTS, 1200, 235, 5).slice(0, -1);
    for (const { right } of laid) expect(right).toBeCloseTo(1200, 3);
    const heights = laid.map(({ height }) => height);
    expect(Math.min(...heights)).toBeGreaterThan(235 * 0.75);
    expect(Math.max(...heights)).toBeLessThan(235 * 1.34);
  });

  it('keeps the aspect of every photo', () => {
    justify(ASPECTS, 800, 200, 5).boxes.forEach(({ width, height }, at) => {
      expect(width / height).toBeCloseTo(ASPECTS[at] as number, 3);
    });
  });

  it('does not stretch a last row of one photo over the whole width', () => {
    const [box] = justify([1.5], 1200, 235, 5).boxes;
    expect(box?.height).toBeLessThan(280);
  });

  it('fits a panorama into a narrow window', () => {
    const [box] = justify([3], 300, 112, 2).boxes;
    expect(box?.width).toBeLessThanOrEqual(300);
    expect(box?.height).toBeCloseTo(100, 3);
  });

  it('finds the boxes that reach into a span', () => {
    const { boxes } = justify(ASPECTS, 1200, 235, 5);
    const [first, last] = boxesWithin(boxes, 1000, 1500);
    expect(
      boxes[first - 1] && (boxes[first - 1]?.top as number) + (boxes[first - 1]?.height as number),
    ).toBeLessThan(1000);
    expect(boxes[last]?.top).toBeGreaterThan(1500);
    expect(boxesWithin([], 0, 100)).toEqual([0, 0]);
  });
});
