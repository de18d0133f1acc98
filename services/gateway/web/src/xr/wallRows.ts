import type { Likings } from './likings';
import type { Button, Row } from './panelLayout';
import type { Shelf } from './shelves';
import { texts } from './texts';
import type { VoiceState } from './voice';

const t = texts.shelves;

export interface HeadState {
  title: string;
  /** What is written above what is in the middle, as its month. */
  label: string;
  /** Why one was brought here, or nothing. */
  note: string;
  /** Whether one is in an album, or with a person. */
  isBelow: boolean;
  source: { count: number; complete: boolean; failed: unknown };
  /** Where in all of it one is, 0 to 1; null where all is seen at once. */
  part: number | null;
}

/** What stands above the wall. */
export function headRows({ title, label, note, isBelow, source, part }: HeadState): Row[] {
  const { count, complete, failed } = source;
  const told = count > 0 ? t.items(count) : complete ? t.none : t.loading;
  const words = [label, failed ? t.failed : told].filter(Boolean).join(' · ');
  return [
    ...(isBelow ? [buttons({ id: 'back', label: t.back, icon: 'back' })] : []),
    { kind: 'title', text: title },
    ...(note ? [{ kind: 'text', text: note } as const] : []),
    count > 0 && part !== null
      ? { kind: 'scrub', id: 'where', value: part, text: words }
      : { kind: 'text', text: words },
  ];
}

export interface ShelvesState {
  shelves: Shelf[];
  chosen: string;
  likings: Likings;
}

/** What stands beside the wall. */
export function shelfRows({ shelves, chosen, likings }: ShelvesState): Row[] {
  return [
    ...shelves.map(({ id, label, icon }) => buttons({ id, label, icon, pressed: id === chosen })),
    buttons(
      { id: 'rows', label: t.rows(likings.rows) },
      { id: 'seated', label: t.seated, pressed: likings.seated },
    ),
    buttons(
      { id: 'left', label: t.leftHanded, pressed: likings.leftHanded },
      { id: 'recentre', label: t.recentre },
    ),
    buttons({ id: 'exit', label: t.exit, icon: 'signOut' }),
  ];
}

export interface SearchState {
  state: VoiceState;
  /** What was understood. */
  words: string;
  /** Whether the headset has a keyboard. */
  types: boolean;
}

/** What stands on the panel of the search. */
export function searchRows({ state, words, types }: SearchState): Row[] {
  const v = texts.voice;
  const listening = state === 'listening';
  const says = {
    absent: v.absent,
    ready: words,
    listening: words || v.listening,
    refused: v.refused,
    nothing: v.nothing,
  };
  return [
    { kind: 'title', text: v.title },
    { kind: 'text', text: says[state] || ' ' },
    buttons(
      {
        id: 'voice',
        label: listening ? v.stop : v.begin,
        pressed: listening,
        disabled: state === 'absent',
      },
      ...(types ? [{ id: 'type', label: v.type }] : []),
    ),
  ];
}

const buttons = (...all: Button[]): Row => ({ kind: 'buttons', buttons: all });
