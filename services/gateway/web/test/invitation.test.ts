import { describe, expect, it } from 'vitest';
import { parseInvitation } from '../src/invitation';

describe('an invitation', () => {
  it('is known by its address', () => {
    const secret = `042137.${'s'.repeat(43)}`;
    expect(parseInvitation(`#/invitation/9ZrJ0QmV_w-2/${secret}`)).toEqual({
      id: '9ZrJ0QmV_w-2',
      secret,
    });
  });

  it('is nothing else', () => {
    for (const hash of [
      '',
      '#/',
      '#/photo/abc',
      '#/invitation/abc',
      '#/invitation/abc/042137.short',
    ])
      expect(parseInvitation(hash)).toBeNull();
  });
});
