import { describe, expect, it } from 'vitest';
import { ApiError } from '../src/api/client';
import { accept, parseInvitation } from '../src/invitation';

const SECRET = 's'.repeat(43);

describe('an invitation', () => {
  it('is known by its address', () => {
    expect(parseInvitation(`#/invitation/9ZrJ0QmV_w-2/${SECRET}`)).toEqual({
      id: '9ZrJ0QmV_w-2',
      secret: SECRET,
    });
  });

  it('is nothing else', () => {
    for (const hash of ['', '#/', '#/photo/abc', '#/invitation/abc', '#/invitation/abc/short'])
      expect(parseInvitation(hash)).toBeNull();
  });
});

/** A gateway that has invited a device as Ada, and what it and the person were asked. */
function invited(answer: boolean, isGood = true) {
  const asked: string[] = [];
  const api = {
    inviter: async () => {
      asked.push('look');
      if (!isGood) throw new ApiError('not_found', 404);
      return 'Ada';
    },
    pairingState: async (id: string, secret?: string) => {
      asked.push(`claim ${id} ${secret}`);
      return 'signed_in' as const;
    },
  };
  const ask = async (name: string) => {
    asked.push(`as ${name}?`);
    return answer;
  };
  return { asked, accepted: () => accept(api, { id: 'abc', secret: SECRET }, ask) };
}

describe('a device that was led to one', () => {
  it('is signed in after its person has agreed to be that one', async () => {
    const { asked, accepted } = invited(true);
    expect(await accepted()).toBe(true);
    expect(asked).toEqual(['look', 'as Ada?', `claim abc ${SECRET}`]);
  });

  it('claims nothing where its person does not want that', async () => {
    const { asked, accepted } = invited(false);
    expect(await accepted()).toBe(false);
    expect(asked).toEqual(['look', 'as Ada?']);
  });

  it('asks nobody about one that is over', async () => {
    const { asked, accepted } = invited(true, false);
    expect(await accepted()).toBe(false);
    expect(asked).toEqual(['look']);
  });
});
