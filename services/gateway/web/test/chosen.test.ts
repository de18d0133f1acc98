import { describe, expect, it } from 'vitest';
import { ApiError } from '../src/api/client';
import { type Asked, askForAll } from '../src/gallery/askForAll';
import { outcomeWords } from '../src/gallery/makeAll';
import type { Shown } from '../src/gallery/tile';
import { Selection } from '../src/grid/selection';
import { wantsLarger } from '../src/grid/sharpness';

const LIST = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id }) as Shown);
const ids = (selection: Selection): string => selection.items.map(({ id }) => id).join('');

describe('a selection', () => {
  it('takes one in and lets it go again, and tells of both', () => {
    const selection = new Selection();
    const told: number[] = [];
    selection.on('change', () => told.push(selection.size));
    selection.toggle(LIST[1] as Shown);
    expect(selection.has('b')).toBe(true);
    selection.toggle(LIST[1] as Shown);
    selection.clear();
    expect(told).toEqual([1, 0]);
  });

  it('reaches from the last one to another, in either direction', () => {
    const selection = new Selection();
    selection.toggle(LIST[2] as Shown);
    selection.extend(LIST[0] as Shown, LIST);
    expect(ids(selection)).toBe('cab');
    selection.extend(LIST[3] as Shown, LIST);
    expect([...ids(selection)].sort().join('')).toBe('abcd');
  });

  it('begins with one where a range has no beginning', () => {
    const selection = new Selection();
    selection.extend(LIST[3] as Shown, LIST);
    expect(ids(selection)).toBe('d');
    selection.extend(LIST[4] as Shown, LIST.slice(4)); // the last one is not in this list
    expect(ids(selection)).toBe('de');
  });
});

describe('asking for many', () => {
  const never = () => Promise.reject(new Error('there was room'));
  const refusal = (code: string) => new ApiError(code, 400);

  it('asks for each in order, a few at a time, and tells how far it is', async () => {
    let now = 0;
    let most = 0;
    const asked: number[] = [];
    const told: Asked[] = [];
    const ask = async (item: number) => {
      asked.push(item);
      now += 1;
      most = Math.max(most, now);
      await Promise.resolve();
      now -= 1;
    };
    const all = [1, 2, 3, 4, 5, 6, 7, 8];
    const end = await askForAll(all, ask, never, (so) => told.push(so));
    expect([asked, most]).toEqual([all, 3]);
    expect(told.map((one) => one.asked)).toEqual(all);
    expect(end).toEqual({ asked: 8, refused: 0, why: null });
  });

  it('waits for room where no more may wait, and loses none', async () => {
    let room = 2;
    const made: number[] = [];
    const ask = async (item: number) => {
      if (room === 0) throw refusal('too_many_jobs');
      room -= 1;
      made.push(item);
    };
    const end = await askForAll(
      [1, 2, 3, 4, 5],
      ask,
      async () => {
        room += 1;
      },
      () => {},
    );
    expect(end.asked).toBe(5);
    expect(made.sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('goes on past what is refused, and ends where all would be', async () => {
    const panorama = async (item: number) => {
      if (item === 2) throw refusal('not_flat');
    };
    const past = await askForAll([1, 2, 3, 4], panorama, never, () => {});
    expect([past.asked, past.refused, past.why?.code]).toEqual([3, 1, 'not_flat']);
    expect(outcomeWords(past)).toBe(
      '3D of 3 items was asked for. 1 could not be: This is a panorama or fisheye photo, not a ' +
        'flat picture. Such photos are not turned into 3D yet. Choose one that an ordinary lens took.',
    );
    const away = async () => {
      throw refusal('offline');
    };
    const ended = await askForAll([1, 2, 3, 4, 5, 6, 7], away, never, () => {});
    expect([ended.asked, ended.refused]).toEqual([0, 7]);
  });
});

describe('the picture of a tile', () => {
  it('is the thumbnail while that is sharp, on dense screens and for large tiles a larger one', () => {
    const tile = { width: 350, height: 235 };
    expect(wantsLarger(tile, 2, 'folder')).toBe(false);
    expect(wantsLarger({ width: 900, height: 470 }, 1, 'folder')).toBe(true);
    expect(wantsLarger({ width: 450, height: 300 }, 2, 'folder')).toBe(true);
    expect(wantsLarger(tile, 2, 'immich')).toBe(false);
    expect(wantsLarger(tile, 3, 'immich')).toBe(true);
  });
});
