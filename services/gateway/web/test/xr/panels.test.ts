import { describe, expect, it } from 'vitest';
import { textHeight } from '../../src/xr/angles';
import { palmShows } from '../../src/xr/palm';
import { layPanel, linesOf, placedAt, type Row } from '../../src/xr/panelLayout';
import { type PhotoState, photoRows } from '../../src/xr/photoRows';
import { PLAIN } from '../../src/xr/projection';
import { sceneRows } from '../../src/xr/sceneRows';
import { shelvesFor } from '../../src/xr/shelves';
import { transcriptOf } from '../../src/xr/voice';
import { headRows, searchRows } from '../../src/xr/wallRows';
import { WRIST_TEXT } from '../../src/xr/wristSize';

const SIZE = { width: 0.25, text: WRIST_TEXT };
const state: PhotoState = {
  name: 'beach.jpg',
  date: '1 June 2026',
  note: '',
  hasPrevious: true,
  hasNext: true,
  playing: false,
  isDeep: true,
  canBeDeep: true,
  quality: 'auto',
  scale: 1,
  projection: PLAIN,
  job: null,
  canMake: false,
  favourite: false,
};
const idsOf = (rows: Row[]) =>
  rows.flatMap((row) => (row.kind === 'buttons' ? row.buttons.map(({ id }) => id) : []));

describe('the panel on the wrist', () => {
  it('has everything that one may want beside a photo, and always the way out', () => {
    const all = idsOf(photoRows(state));
    for (const id of ['previous', 'next', 'play', 'flat', 'deep', 'quality', 'smaller', 'larger'])
      expect(all).toContain(id);
    for (const id of ['recentre', 'favourite', 'wall', 'exit']) expect(all).toContain(id);
    const barest = photoRows({ ...state, favourite: null, isDeep: false, canBeDeep: false });
    expect(idsOf(barest)).toContain('exit');
    expect(idsOf(barest)).not.toContain('favourite');
  });

  it('offers to make 3D where there is none, and shows how far it is', () => {
    expect(idsOf(photoRows({ ...state, canMake: true }))).toContain('make');
    const job = {
      kind: 'splat',
      state: 'running',
      progress: { fraction: 0.4, stage: 'decoded', message: '' },
    } as PhotoState['job'];
    const rows = photoRows({ ...state, canMake: true, job });
    expect(idsOf(rows)).not.toContain('make');
    expect(rows.find(({ kind }) => kind === 'progress')).toEqual({
      kind: 'progress',
      value: 0.4,
      text: 'Estimating depth · 40\u00a0%',
    });
  });

  it('puts right how a picture lies that was guessed wrong, where it is shown as one', () => {
    const lies = ['shape', 'layout', 'swap'];
    expect(idsOf(photoRows({ ...state, isDeep: false }))).toEqual(expect.arrayContaining(lies));
    for (const id of lies) expect(idsOf(photoRows(state))).not.toContain(id);
  });

  it('is written in letters of more than 1.2 degrees at the length of half an arm', () => {
    expect(WRIST_TEXT).toBeGreaterThanOrEqual(textHeight(0.5, 1.2));
  });
});

describe('a panel', () => {
  const rows = photoRows(state);
  const { height, placed } = layPanel(rows, SIZE);

  it('has its buttons beside and below one another, none over another, all inside', () => {
    for (const one of placed) {
      expect(one.left).toBeGreaterThanOrEqual(0);
      expect(one.left + one.width).toBeLessThanOrEqual(SIZE.width + 1e-9);
      expect(one.top + one.height).toBeLessThanOrEqual(height + 1e-9);
      for (const other of placed) {
        if (one === other) continue;
        const apart =
          one.left + one.width <= other.left + 1e-9 ||
          other.left + other.width <= one.left + 1e-9 ||
          one.top + one.height <= other.top + 1e-9 ||
          other.top + other.height <= one.top + 1e-9;
        expect(apart).toBe(true);
      }
    }
  });

  it('has buttons that a hand can hit: three degrees high', () => {
    for (const { button, height: high } of placed)
      if (button) expect(high).toBeGreaterThanOrEqual(textHeight(0.5, 3));
  });

  it('knows what is pressed, and nothing of what is switched off', () => {
    const next = placed.find(({ button }) => button?.id === 'next');
    if (!next) throw new Error('there is no such button');
    const at = [next.left + next.width / 2, next.top + next.height / 2] as const;
    expect(placedAt(placed, ...at)?.item.button?.id).toBe('next');
    const off = layPanel(photoRows({ ...state, hasNext: false }), SIZE).placed;
    expect(placedAt(off, ...at)).toBeNull();
  });

  it('tells where in a line it was pressed', () => {
    const line: Row = { kind: 'scrub', id: 'time', value: 0, text: '' };
    const [one] = layPanel([line], SIZE).placed;
    if (!one) throw new Error('there is no line');
    const found = placedAt([one], one.left + one.width * 0.25, one.top + 0.001);
    expect(found?.part).toBeCloseTo(0.25);
  });

  it('breaks long sentences where words end', () => {
    const lines = linesOf('Its depth is a guess: shown as a screen.', 0.1, 0.01);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join(' ')).toBe('Its depth is a guess: shown as a screen.');
  });
});

it('the wrist in a scene chooses among its versions, where there are several, and always leads out', () => {
  const scene = { name: 'Room', note: '', version: null, quality: 'auto', scale: 1 } as const;
  for (const id of ['smaller', 'larger', 'recentre', 'wall', 'exit'])
    expect(idsOf(sceneRows(scene))).toContain(id);
  expect(idsOf(sceneRows(scene))).not.toContain('version');
  expect(idsOf(sceneRows({ ...scene, version: 'Filled' }))).toContain('version');
  expect(idsOf(sceneRows({ ...scene, quality: null }))).not.toContain('quality');
});

it('a menu on a palm stays a little longer than it takes to open it', () => {
  expect(palmShows(0.6, false)).toBe(false);
  expect(palmShows(0.8, false)).toBe(true);
  expect(palmShows(0.6, true)).toBe(true);
  expect(palmShows(0.3, true)).toBe(false);
});

it('a folder knows nobody, and a share link has photos alone', () => {
  const ids = (library: string, shared = false) => shelvesFor(library, shared).map(({ id }) => id);
  expect(ids('immich')).toContain('people');
  expect(ids('folder')).not.toContain('people');
  expect(ids('folder')).toContain('albums');
  expect(ids('folder')).toContain('scenes');
  expect(ids('immich', true)).toEqual(['photos']);
});

it('what is heard is put together from its parts', () => {
  const part = (transcript: string) => Object.assign([{ transcript }], { isFinal: true });
  expect(transcriptOf({ results: [part('dogs '), part(' at the beach')] })).toBe(
    'dogs at the beach',
  );
});

it('the head of the wall says where one is, and leads back out of an album', () => {
  const source = { count: 120, complete: false, failed: null };
  const lake = { title: 'Lake', label: 'June 2026', note: '', isBelow: true, source, part: 0.5 };
  const rows = headRows(lake);
  expect(idsOf(rows)).toEqual(['back']);
  expect(rows.at(-1)).toMatchObject({ kind: 'scrub', value: 0.5, text: 'June 2026 · 120 items' });
  const none = { count: 0, complete: true, failed: null };
  const empty = { ...lake, label: '', isBelow: false, source: none, part: null };
  expect(headRows(empty)).toEqual([
    { kind: 'title', text: 'Lake' },
    { kind: 'text', text: 'Nothing here' },
  ]);
  expect(headRows({ ...empty, note: 'Too much' })[1]).toEqual({ kind: 'text', text: 'Too much' });
});

it('the search says that it cannot listen where it cannot, and offers a keyboard where there is one', () => {
  const absent = searchRows({ state: 'absent', words: '', types: true });
  expect(idsOf(absent)).toEqual(['voice', 'type']);
  expect(absent[1]).toMatchObject({ text: expect.stringContaining('cannot listen') });
  expect(searchRows({ state: 'listening', words: 'dogs at', types: false })[1]).toMatchObject({
    text: 'dogs at',
  });
});
