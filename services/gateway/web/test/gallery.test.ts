import { describe, expect, it } from 'vitest';
import type { Job, Photo } from '../src/api/schema';
import { type Box, roveTo } from '../src/gallery/roving';
import { tileAspect, tileLabel } from '../src/gallery/tile';

/** Two justified rows: three tiles above, two wide ones below, one alone in the last row. */
const BOXES: Box[] = [
  { left: 0, top: 0, width: 100 },
  { left: 100, top: 0, width: 50 },
  { left: 150, top: 0, width: 150 },
  { left: 0, top: 100, width: 180 },
  { left: 180, top: 100, width: 120 },
  { left: 0, top: 200, width: 90 },
];

describe('arrow keys in the gallery', () => {
  it('left and right follow the order, across rows', () => {
    expect(roveTo('ArrowRight', 2, BOXES)).toBe(3);
    expect(roveTo('ArrowLeft', 3, BOXES)).toBe(2);
  });

  it('up and down go to the nearest tile of the next row', () => {
    expect(roveTo('ArrowDown', 2, BOXES)).toBe(4);
    expect(roveTo('ArrowDown', 0, BOXES)).toBe(3);
    expect(roveTo('ArrowUp', 4, BOXES)).toBe(2);
    expect(roveTo('ArrowDown', 4, BOXES)).toBe(5);
  });

  it('stay where they are at the edges', () => {
    expect(roveTo('ArrowLeft', 0, BOXES)).toBe(0);
    expect(roveTo('ArrowUp', 1, BOXES)).toBe(1);
    expect(roveTo('ArrowDown', 5, BOXES)).toBe(5);
    expect(roveTo('ArrowRight', 5, BOXES)).toBe(5);
  });

  it('Home and End reach the first and last photo', () => {
    expect(roveTo('Home', 4, BOXES)).toBe(0);
    expect(roveTo('End', 1, BOXES)).toBe(5);
  });
});

describe('tiles', () => {
  it('keep the aspect of a photo within what fits a gallery', () => {
    expect(tileAspect({ width: 4000, height: 3000 })).toBeCloseTo(4 / 3);
    expect(tileAspect({ width: 12000, height: 1500 })).toBe(3);
    expect(tileAspect({ width: 500, height: 9000 })).toBe(0.5);
    expect(tileAspect({ width: null, height: null })).toBeCloseTo(4 / 3);
  });

  it('are named for what a screen reader user needs to know', () => {
    const photo = {
      name: 'harbour.jpg',
      taken_at: null,
      badges: { depth: true, splat: true },
      job: null,
    } as unknown as Photo;
    expect(tileLabel(photo)).toBe('harbour.jpg, 3D ready');
    const failed = { state: 'failed', kind: 'splat' } as Job;
    const other = { ...photo, badges: { depth: false, splat: false }, job: failed };
    expect(tileLabel(other)).toBe('harbour.jpg, 3D could not be made');
    const running = { state: 'running', kind: 'splat' } as Job;
    expect(tileLabel({ ...other, job: running })).toBe('harbour.jpg, making 3D now');
  });

  it('name what a newer server makes by its own name', () => {
    const photo = {
      name: 'harbour.jpg',
      taken_at: null,
      badges: { depth: false, splat: false, hologram: true },
      job: { state: 'running', kind: 'hologram' },
    } as unknown as Photo;
    expect(tileLabel(photo)).toBe('harbour.jpg, hologram ready, hologram now');
  });
});
