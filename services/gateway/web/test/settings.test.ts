import { expect, it } from 'vitest';
import type { Api } from '../src/api/client';
import type { MySettings } from '../src/api/schema';
import { Settings } from '../src/settings/settings';

it('keeps what was set last, also where an earlier answer comes after a later one', async () => {
  const answers: ((mine: MySettings) => void)[] = [];
  const changeSettings = () => new Promise((answer) => answers.push(answer));
  const settings = new Settings({ changeSettings } as unknown as Api);
  const first = settings.change({ splat_model: 'a' });
  const second = settings.change({ splat_model: 'b' });
  answers[1]?.({ splat_model: 'b' } as MySettings);
  await second;
  answers[0]?.({ splat_model: 'a' } as MySettings);
  await first;
  expect(settings.mine?.splat_model).toBe('b');
  expect(settings.making).toEqual({ model: 'b', quality: 'medium' });
});
