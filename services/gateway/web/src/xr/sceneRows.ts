import type { Row } from './panelLayout';
import { SCALES } from './place';
import { texts } from './texts';

const t = texts.scene;

export interface SceneState {
  name: string;
  note: string;
  /** Which version is shown, in words; null where there is one alone. */
  version: string | null;
  quality: 'auto' | 'light' | 'full' | null;
  scale: number;
}

/** What stands on the wrist in a scene. */
export function sceneRows({ name, note, version, quality, scale }: SceneState): Row[] {
  return [
    { kind: 'title', text: name },
    { kind: 'text', text: note || t.hint },
    ...(version === null ? [] : [buttons({ id: 'version', label: version })]),
    ...(quality === null ? [] : [buttons({ id: 'quality', label: texts.photo.quality[quality] })]),
    buttons(
      { id: 'smaller', label: '−', disabled: scale <= (SCALES[0] as number) },
      { id: 'life', label: texts.photo.scale(scale), disabled: scale === 1 },
      { id: 'larger', label: '+', disabled: scale >= (SCALES.at(-1) as number) },
    ),
    buttons(
      { id: 'wall', label: texts.photo.back, icon: 'photos' },
      { id: 'recentre', label: t.begin, icon: 'reset' },
    ),
    buttons({ id: 'exit', label: texts.photo.exit, icon: 'signOut' }),
  ];
}

const buttons = (...all: (Row & { kind: 'buttons' })['buttons']): Row => ({
  kind: 'buttons',
  buttons: all,
});
