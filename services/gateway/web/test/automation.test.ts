import { describe, expect, it } from 'vitest';
import type { Integration, Rule } from '../src/api/schema';
import { chosenBy, movingWords, noteWords, ruleOf, stateWords } from '../src/automation/words';
import { parseHash } from '../src/router';

const on: Integration = {
  state: 'on',
  detail: 'new photos become 3D by themselves',
  notes: ['3 photos were found that Immich did not tell of'],
  address: 'http://immichvr:2284',
  workflows: [],
  last_call: null,
  last_look: null,
  missed: 3,
  left: {},
  external_clips: false,
  clips: 0,
  call: null,
};
const rule: Rule = {
  of: 'all',
  media: 'photo',
  albums: [],
  people: [],
  tag: 'Make 3D',
  only_with_depth: false,
  shorter_than_s: null,
  existing: false,
  remake_edited: false,
  skip: ['screenshots', 'documents', 'panoramas', 'duplicates'],
  kind: 'splat',
  model: 'auto',
  quality: 'full',
};

describe('the page about photos that become 3D by themselves', () => {
  it('has an address of its own', () => {
    expect(parseHash('#/automation')).toEqual({ view: 'automation' });
  });

  it('says how it stands, and what else there is to know', () => {
    expect(stateWords(on)).toBe('New photos become 3D by themselves');
    const paused: Integration = { ...on, state: 'paused', detail: 'the key was deleted' };
    expect(stateWords(paused)).toBe('Paused: the key was deleted');
    expect(noteWords(on)).toEqual(['Immich has not called yet', ...on.notes]);
    expect(noteWords({ ...on, last_call: '2026-06-01T10:00:00Z' })[0]).toContain('2026');
  });

  it('says how many photos move', () => {
    expect(movingWords(1)).toBe('1 photo moves in Immich itself.');
    expect(movingWords(2000)).toBe('2,000 photos move in Immich itself.');
  });

  it('offers what can be chosen here, and leaves rules alone that say more', () => {
    expect(chosenBy([rule])).toEqual({ of: 'all', light: false });
    expect(chosenBy([{ ...rule, of: 'tag', quality: 'light' }])).toEqual({
      of: 'tag',
      light: true,
    });
    for (const more of [
      { ...rule, of: 'albums' as const },
      { ...rule, model: 'lift-da2-small' },
      { ...rule, kind: 'depth' },
      { ...rule, existing: true },
      { ...rule, skip: [] },
      { ...rule, of: 'tag' as const, tag: 'another' },
      { ...rule, media: 'video' as const },
    ]) {
      expect(chosenBy([more])).toBeNull();
    }
    expect(chosenBy([rule, rule])).toBeNull();
    expect(ruleOf('favourites', true)).toEqual({ of: 'favourites', quality: 'light' });
  });
});
