import { expect, test } from 'vitest';
import { measuresOf } from '../src/grid/rows';
import { leanFactor, lookOf, USUAL } from '../src/settings/look';

test('what a person has set counts before the server’s, and that before the usual', () => {
  expect(lookOf(null, undefined)).toEqual(USUAL);
  const server = { rowWidth: 5, thumbnailSize: 2, gaussianSplat: { enabled: false } };
  const look = lookOf({ gallery: { rowWidth: 3, gaussianSplat: { formats: ['ksplat'] } } }, server);
  expect([look.rowWidth, look.thumbnailSize, look.adjacentPhotosCount]).toEqual([3, 2, 2]);
  expect(look.gaussianSplat).toEqual({
    enabled: false,
    defaultQuality: 'medium',
    formats: ['ksplat'],
  });
});

test('the usual intensity leans as far as depth bears, none not at all', () => {
  expect(leanFactor(USUAL)).toBe(1);
  expect(leanFactor({ ...USUAL, parallaxIntensity: 0 })).toBe(0);
  expect(leanFactor({ ...USUAL, parallaxIntensity: 1 })).toBe(3);
});

test('rows hold about as many pictures as are wanted, and grow with their size', () => {
  const row = (width: number, perRow: number, size = 1) => measuresOf(width, { perRow, size }).row;
  expect(2000 / (row(2000, 8) * 1.4)).toBeCloseTo(8, 0);
  expect(row(2000, 8, 2)).toBe(2 * row(2000, 8));
  expect(row(300, 8, 3)).toBe(300);
});
