import type { Api } from '../api/client';
import type { Job } from '../api/schema';
import type { Settings } from '../settings/settings';
import { isFinal, type Store } from '../store';
import { texts } from '../texts';
import { explainError } from '../ui/errors';
import { type Asked, askForAll } from './askForAll';
import type { Shown } from './tile';

/** Whether there is room is looked at again when a job ends, or after this. */
const LOOK_AGAIN_MS = 15_000;
const t = texts.selection;

/** What shows in 3D already. */
const isMade = ({ kind, badges }: Shown): boolean =>
  Boolean(kind === 'video' ? badges['depth-video'] : badges.splat);

/** Has 3D made of each of these that has none yet; tell: how far that is, in words. */
export async function makeAll(
  api: Api,
  store: Store,
  settings: Settings,
  items: Shown[],
  tell: (words: string) => void,
): Promise<void> {
  const wanted = items.filter((item) => !isMade(item));
  if (wanted.length === 0) {
    tell(t.allMade);
    return;
  }
  const { model, quality } = settings.making;
  const ask = async ({ kind, id }: Shown): Promise<void> => {
    const asked: Promise<Job> =
      kind === 'video'
        ? api.makeOf('video', id, 'depth', { model: 'auto', force: false })
        : api.makeOf('photo', id, 'splat', { model, quality, force: false });
    store.applyJob(await asked);
  };
  tell(t.asking(0, wanted.length));
  const onTheWay = ({ asked, refused }: Asked) => tell(t.asking(asked + refused, wanted.length));
  tell(outcomeWords(await askForAll(wanted, ask, () => roomIn(store), onTheWay)));
}

/** What came of asking, and why some of it was refused. */
export function outcomeWords({ asked, refused, why }: Asked): string {
  const { title, advice } = explainError(why);
  return [t.asked(asked), refused > 0 && t.refused(refused, `${title} ${advice}`)]
    .filter(Boolean)
    .join(' ');
}

function roomIn(store: Store): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      off();
      clearTimeout(timer);
      resolve();
    };
    const off = store.on('job', (job) => isFinal(job) && done());
    const timer = setTimeout(done, LOOK_AGAIN_MS);
  });
}
