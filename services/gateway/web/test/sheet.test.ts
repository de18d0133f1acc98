import { describe, expect, it } from 'vitest';
import type { Shown } from '../src/gallery/tile';
import type { Section } from '../src/grid/sections';
import { Sheet } from '../src/grid/sheet';

const item = (id: string): Shown => ({
  kind: 'photo',
  id,
  name: id,
  width: 300,
  height: 200,
  taken_at: null,
  badges: {},
  job: null,
});

const month = (key: string, count: number): Section => ({
  key,
  title: key,
  count,
  items: Array.from({ length: count }, (_, at) => item(`${key}-${at}`)),
});

const unread = ({ key, title, count }: Section): Section => ({ key, title, count, items: null });

function sheetOf(sections: Section[], width = 1200): Sheet {
  const sheet = new Sheet();
  sheet.set(sections, width);
  return sheet;
}

describe('sections below one another', () => {
  const months = [month('2024-03', 30), month('2024-02', 50), month('2024-01', 20)];

  it('lie in order without touching, each item in its own', () => {
    const sheet = sheetOf(months);
    for (const [at, section] of sheet.sections.entries()) {
      const next = sheet.sections[at + 1];
      if (next) expect(section.top + section.height).toBeLessThan(next.top);
      const box = sheet.boxOf(`${section.key}-7`);
      expect(box?.top).toBeGreaterThan(section.top);
      expect(box?.top).toBeLessThan(section.top + section.height);
      expect(sheet.item(`${section.key}-7`)?.name).toBe(`${section.key}-7`);
    }
    expect(sheet.known).toHaveLength(100);
  });

  it('leave those untouched that are as they were, when another one is read', () => {
    const [first, second, third] = months as [Section, Section, Section];
    const sheet = sheetOf([first, unread(second), third]);
    const [laid] = sheet.sections;
    const boxes = laid?.boxes;
    sheet.set([first, second, third], 1200);
    expect(sheet.sections[0]).toBe(laid);
    expect(sheet.sections[0]?.boxes).toBe(boxes);
    expect(sheet.item('2024-02-49')).toBeDefined();
    expect(sheet.item('2024-01-0')).toBeDefined();
  });

  it('forget what is gone from them, and find what went to another', () => {
    const [first, second] = months as [Section, Section];
    const sheet = sheetOf([first, second]);
    const moved = item('2024-03-0');
    sheet.set([{ ...first, count: 29, items: first.items?.slice(1) ?? [] }, second], 1200);
    expect(sheet.item('2024-03-0')).toBeUndefined();
    sheet.set([first, { ...second, count: 51, items: [...(second.items ?? []), moved] }], 1200);
    expect(sheet.keyOf('2024-03-0')).toBe('2024-02');
    sheet.set([first], 1200);
    expect(sheet.keyOf('2024-02-0')).toBeUndefined();
  });

  it('keep what is looked at where it is, when what lies above becomes known', () => {
    const [first, second] = months as [Section, Section];
    const sheet = sheetOf([unread(first), second]);
    const top = (sheet.boxOf('2024-02-20')?.top ?? 0) + 12;
    const anchor = sheet.anchorAt(top);
    expect(anchor?.key).toBe('2024-02');
    sheet.set([first, second], 1200);
    const moved = sheet.heightOf(anchor as NonNullable<typeof anchor>) as number;
    expect(sheet.anchorAt(moved)).toEqual(anchor);
  });

  it('are guessed to be as high as those that are known, at every width', () => {
    for (let width = 300; width <= 1600; width += 7) {
      const known = sheetOf([month('2024-03', 300), month('2024-02', 600)], width);
      const guessed = sheetOf([month('2024-03', 300), unread(month('2024-02', 600))], width);
      expect(guessed.height / known.height).toBeGreaterThan(0.97);
      expect(guessed.height / known.height).toBeLessThan(1.03);
    }
  });

  it('are guessed by usual photos where none is known, without a leap from width to width', () => {
    const heights = Array.from(
      { length: 700 },
      (_, at) => sheetOf([unread(month('2024-03', 900))], 610 + at).height,
    );
    const leaps = heights.slice(1).map((height, at) => Math.abs(height / (heights[at] ?? 1) - 1));
    expect(Math.max(...leaps)).toBeLessThan(0.02);
  });

  it('are cut where the window is, to no more than may be drawn', () => {
    const sheet = sheetOf(months);
    const from = sheet.boxOf('2024-02-10')?.top ?? 0;
    const seen = sheet.within(from, from + 300, 400);
    expect(seen.map(({ section }) => section.key)).toEqual(['2024-02']);
    const all = sheet.within(0, sheet.height, 60);
    expect(all.reduce((sum, { first, last }) => sum + last - first, 0)).toBe(60);
  });

  it('are walked through by keys, from one into the next', () => {
    const sheet = sheetOf(months);
    expect(sheet.next('2024-03-29', 'ArrowRight')).toBe('2024-02-0');
    expect(sheet.next('2024-02-0', 'ArrowLeft')).toBe('2024-03-29');
    expect(sheet.next('2024-02-49', 'ArrowDown')).toMatch(/^2024-01-/);
    expect(sheet.next('2024-02-0', 'End')).toBe('2024-01-19');
    expect(sheet.next('2024-02-0', 'a')).toBeUndefined();
    expect(sheet.next('nowhere', 'Home')).toBeUndefined();
  });

  it('take in a month of a library of 100,000 without laying out the others again', () => {
    const library = Array.from({ length: 200 }, (_, at) => month(`month-${at}`, 500));
    const sheet = sheetOf(library);
    const before = sheet.sections.map(({ boxes }) => boxes);
    const next = [...library];
    next[100] = month('month-100', 501);
    sheet.set(next, 1200);
    const kept = sheet.sections.filter(({ boxes }, at) => boxes === before[at]);
    expect(kept).toHaveLength(199);
    expect(sheet.item('month-100-500')).toBeDefined();
  });
});
