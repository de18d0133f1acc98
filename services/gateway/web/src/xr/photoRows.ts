import type { Job } from '../api/schema';
import { percent, progressWords } from '../ui/words';
import { lieButtons } from './lieButtons';
import type { Button, Row } from './panelLayout';
import { SCALES } from './place';
import type { Projection } from './projection';
import { texts } from './texts';

const t = texts.photo;

export interface PhotoState {
  name: string;
  date: string;
  note: string;
  hasPrevious: boolean;
  hasNext: boolean;
  playing: boolean;
  isDeep: boolean;
  canBeDeep: boolean;
  quality: 'auto' | 'light' | 'full';
  scale: number;
  job: Job | null;
  canMake: boolean;
  /** How the picture lies, where it is shown as one: what was guessed of that may be put right. */
  projection: Projection;
  /** Null where it cannot be one's favourite. */
  favourite: boolean | null;
}

/** What stands on the wrist beside a photo. */
export function photoRows(state: PhotoState): Row[] {
  const { job, note, scale, favourite } = state;
  const rows: Row[] = [{ kind: 'title', text: state.name }];
  const words = note || state.date;
  if (words) rows.push({ kind: 'text', text: words });
  if (job) {
    const done = percent(job);
    rows.push({
      kind: 'progress',
      value: done === null ? null : done / 100,
      text: progressWords(job),
    });
  }
  rows.push(
    buttons(
      { id: 'previous', label: '', icon: 'previous', disabled: !state.hasPrevious },
      {
        id: 'play',
        label: '',
        icon: state.playing ? 'pause' : 'play',
        pressed: state.playing,
        disabled: !state.hasNext,
      },
      { id: 'next', label: '', icon: 'next', disabled: !state.hasNext },
    ),
    buttons(
      { id: 'flat', label: t.flat, pressed: !state.isDeep },
      {
        id: 'deep',
        label: t.deep,
        icon: 'cube',
        pressed: state.isDeep,
        disabled: !state.canBeDeep,
      },
      ...(favourite === null ? [] : [heart(favourite)]),
    ),
  );
  if (state.isDeep)
    rows.push(
      buttons({ id: 'quality', label: t.quality[state.quality] }),
      buttons(
        { id: 'smaller', label: '−', disabled: scale <= (SCALES[0] as number) },
        { id: 'life', label: t.scale(scale), disabled: scale === 1 },
        { id: 'larger', label: '+', disabled: scale >= (SCALES.at(-1) as number) },
      ),
    );
  else rows.push(buttons(...lieButtons(state.projection)));
  if (state.canMake && !job) rows.push(buttons({ id: 'make', label: t.make, icon: 'layers' }));
  rows.push(
    buttons(
      { id: 'wall', label: t.back, icon: 'photos' },
      { id: 'recentre', label: t.recentre, icon: 'reset' },
    ),
    buttons({ id: 'exit', label: t.exit, icon: 'signOut' }),
  );
  return rows;
}

const buttons = (...all: Button[]): Row => ({ kind: 'buttons', buttons: all });

const heart = (is: boolean): Button => ({ id: 'favourite', label: '', icon: 'heart', pressed: is });
