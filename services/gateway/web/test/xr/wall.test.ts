import { describe, expect, it } from 'vitest';
import { degrees, radians, textHeight } from '../../src/xr/angles';
import { Kinetic } from '../../src/xr/kinetic';
import { outwards } from '../../src/xr/outwards';
import { Places } from '../../src/xr/places';
import {
  cellAt,
  columnsOf,
  endsOf,
  indexAt,
  MOST_PICTURES,
  meetCylinder,
  seenAt,
  shapeWall,
  WALL_TEXT,
} from '../../src/xr/wallLayout';

const WISH = { rowWidth: 8, thumbnailSize: 1, rows: 3, seated: false };
const shape = shapeWall(WISH);

describe('the wall', () => {
  it('has as many columns before one as its settings say, and as many rows as one likes', () => {
    expect(shape.columns).toBe(8);
    expect(shape.rows).toBe(3);
    expect(shapeWall({ ...WISH, rowWidth: 5 }).columns).toBe(5);
    expect(shapeWall({ ...WISH, thumbnailSize: 2 }).columns).toBe(4);
    expect(shapeWall({ ...WISH, rows: 5 }).rows).toBe(5);
  });

  it('is narrower for who sits', () => {
    const seated = shapeWall({ ...WISH, seated: true });
    expect(seated.columns * seated.pitch).toBeLessThan(shape.columns * shape.pitch);
  });

  it('lets nobody look up or down further than is comfortable', () => {
    const top = cellAt(0, 0, shape);
    expect(degrees(Math.atan2(top.y + shape.height / 2, shape.radius))).toBeLessThan(25);
  });

  it('hangs photos column by column, the newest at the left, the middle one before one', () => {
    expect(cellAt(0, 0, shape).azimuth).toBe(0);
    expect(cellAt(1, 0, shape)).toEqual({ azimuth: 0, y: 0 });
    expect(cellAt(0, 0, shape).y).toBeGreaterThan(0);
    expect(cellAt(3, 0, shape).azimuth).toBeCloseTo(shape.pitch);
    expect(cellAt(3, 1, shape).azimuth).toBeCloseTo(0);
  });

  it('finds the photo that a ray meets, and none between two', () => {
    for (const index of [0, 5, 17]) {
      const cell = cellAt(index, 2, shape);
      expect(indexAt(cell, 2, 100, shape)).toBe(index);
    }
    const between = { azimuth: shape.pitch / 2, y: 0 };
    expect(indexAt(between, 2, 100, shape)).toBe(-1);
    expect(indexAt(cellAt(40, 2, shape), 2, 20, shape)).toBe(-1);
  });

  it('shows no more than what is near, of however many there are', () => {
    const [from, to] = seenAt(5000, 100_000, shape);
    expect(to - from).toBeLessThan(50);
    expect(from).toBeGreaterThan(14_900);
    expect(seenAt(0, 100_000, shape)[0]).toBe(0);
    expect(seenAt(0, 4, shape)).toEqual([0, 4]);
  });

  it('never shows more pictures than are kept, however small they are wished for', () => {
    for (const rows of [1, 3, 5, 6])
      for (const thumbnailSize of [0.5, 1, 2]) {
        const small = shapeWall({ ...WISH, rowWidth: 16, thumbnailSize, rows });
        for (const scroll of [5000, 5000.5]) {
          const [from, to] = seenAt(scroll, 100_000, small);
          expect(to - from).toBeLessThanOrEqual(MOST_PICTURES);
        }
      }
    expect(shapeWall({ ...WISH, rowWidth: 16 }).columns).toBe(16);
  });

  it('scrolls from its first to its last column, and not at all where all is seen', () => {
    expect(endsOf(9, shape)).toEqual([1, 1]);
    const [from, to] = endsOf(3000, shape);
    expect(from).toBeCloseTo(3.5);
    expect(to).toBeCloseTo(columnsOf(3000, shape) - 1 - 3.5);
  });

  it('is met from within by rays that go out, never behind one', () => {
    const met = meetCylinder([0, 0, 0], [0, 0, -1], 2.2);
    expect(met?.distance).toBeCloseTo(2.2);
    expect(met?.cell.azimuth).toBeCloseTo(0);
    const aside = meetCylinder([0.3, -0.2, 0], [Math.SQRT1_2, 0, -Math.SQRT1_2], 2.2);
    expect(aside?.cell.azimuth).toBeGreaterThan(radians(45));
    expect(meetCylinder([0, 0, 0], [0, 1, 0], 2.2)).toBeNull();
  });

  it('is written on in letters that can be read', () => {
    expect(WALL_TEXT).toBeGreaterThanOrEqual(textHeight(2.2));
  });

  it('fetches what is in the middle first', () => {
    expect(outwards(0, 6, 3)).toEqual([3, 2, 4, 1, 5, 0]);
  });
});

describe('pulling the wall', () => {
  it('moves with the hand, and goes on as it was thrown', () => {
    const wall = new Kinetic();
    wall.setEnds(0, 100);
    wall.jump(50);
    wall.grab();
    for (let i = 1; i <= 10; i += 1) wall.pull(i * 0.5, 0.016);
    expect(wall.place).toBeCloseTo(55);
    wall.release();
    const speed = wall.speed;
    expect(speed).toBeGreaterThan(20);
    for (let i = 0; i < 600; i += 1) wall.step(1 / 72);
    expect(wall.moving).toBe(false);
    expect(wall.place).toBeGreaterThan(60);
    expect(wall.place).toBeLessThan(55 + speed);
  });

  it('comes to the same place at any rate of frames', () => {
    const places = [30, 90].map((hz) => {
      const wall = new Kinetic();
      wall.setEnds(0, 1000);
      wall.jump(10);
      wall.push(12);
      for (let i = 0; i < 10 * hz; i += 1) wall.step(1 / hz);
      return wall.place;
    });
    expect(places[0]).toBeCloseTo(places[1] as number, 1);
  });

  it('gives a little beyond its end, and springs back', () => {
    const wall = new Kinetic();
    wall.setEnds(0, 10);
    wall.grab();
    wall.pull(-4, 0.1);
    expect(wall.place).toBeLessThan(0);
    expect(wall.place).toBeGreaterThan(-2);
    wall.release();
    for (let i = 0; i < 200; i += 1) wall.step(1 / 72);
    expect(wall.place).toBe(0);
    expect(wall.moving).toBe(false);
  });

  it('stays where it is held without a movement', () => {
    const wall = new Kinetic();
    wall.setEnds(0, 10);
    wall.jump(5);
    wall.grab();
    wall.pull(2, 0.1);
    for (let i = 0; i < 20; i += 1) wall.pull(2, 0.05);
    wall.release();
    expect(wall.speed).toBe(0);
  });
});

describe('places for pictures', () => {
  it('are given away where nobody looked for longest', () => {
    const places = new Places(2);
    const first = places.take('a');
    places.take('b');
    expect(places.find('a')).toBe(first);
    places.take('c');
    expect(places.find('b')).toBe(-1);
    expect(places.find('a')).toBe(first);
    expect(new Set([places.find('a'), places.find('c')]).size).toBe(2);
  });
});
