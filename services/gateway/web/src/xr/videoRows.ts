import { lieButtons } from './lieButtons';
import type { Glimpse, Row } from './panelLayout';
import type { Projection } from './projection';
import { texts } from './texts';
import type { Look } from './videoPicture';

const t = texts.video;

export interface VideoState {
  words: string;
  part: number;
  glimpse: Glimpse | null;
  playing: boolean;
  muted: boolean;
  look: Look;
  hasDepth: boolean;
  projection: Projection;
  hasPrevious: boolean;
  hasNext: boolean;
}

/** What stands below a video: where in it one is, what it does, and how it lies before one. */
export function videoRows(state: VideoState): Row[] {
  const { look, projection } = state;
  const isFlat = projection.shape === 'flat';
  const screens: Look[] =
    state.hasDepth && projection.layout === 'mono'
      ? ['flat', 'curved', 'depth']
      : ['flat', 'curved'];
  return [
    { kind: 'scrub', id: 'time', value: state.part, text: state.words, picture: state.glimpse },
    {
      kind: 'buttons',
      buttons: [
        { id: 'previous', label: '', icon: 'previous', disabled: !state.hasPrevious },
        { id: 'back10', label: t.back10 },
        { id: 'play', label: '', icon: state.playing ? 'pause' : 'play', pressed: state.playing },
        { id: 'ahead10', label: t.ahead10 },
        { id: 'next', label: '', icon: 'next', disabled: !state.hasNext },
        { id: 'sound', label: '', icon: state.muted ? 'silence' : 'sound' },
      ],
    },
    ...(isFlat
      ? [
          {
            kind: 'buttons',
            buttons: screens.map((one) => ({
              id: one,
              label: t.screens[one],
              pressed: look === one,
            })),
          } as Row,
        ]
      : []),
    {
      kind: 'buttons',
      buttons: [...lieButtons(projection), { id: 'wall', label: texts.photo.back }],
    },
  ];
}
