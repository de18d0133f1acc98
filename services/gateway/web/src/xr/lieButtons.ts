import type { Button } from './panelLayout';
import { laidOut, nextLayout, nextShape, type Projection } from './projection';
import { texts } from './texts';

const t = texts.video;

/** What puts right how a picture or a film lies, where that was guessed wrong. */
export const lieButtons = ({ shape, layout, crossed }: Projection): Button[] => [
  { id: 'shape', label: t.shapes[shape] },
  { id: 'layout', label: t.layouts[layout] },
  { id: 'swap', label: t.swap, pressed: crossed, disabled: layout === 'mono' },
];

/** How it lies once one of these is pressed; null for any other button. width, height: of all of it, in pixels. */
export function pressedLie(
  id: string,
  projection: Projection,
  width: number,
  height: number,
): Projection | null {
  const { shape, layout, crossed } = projection;
  if (id === 'shape') return { ...projection, shape: nextShape(shape), half: false };
  if (id === 'layout') return laidOut(projection, nextLayout(layout), width, height);
  if (id === 'swap') return { ...projection, crossed: !crossed };
  return null;
}
