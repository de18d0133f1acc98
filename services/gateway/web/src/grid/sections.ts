import { type Shown, tileAspect } from '../gallery/tile';
import type { Box } from './layout';

const HEADING_PX = 44;

/** A run of photos and videos under a heading. `items` is null while only their number is known. */
export interface Section {
  key: string;
  title: string;
  count: number;
  items: Shown[] | null;
}

export interface Laid extends Section {
  /** From the top of the grid, heading included. */
  top: number;
  height: number;
  boxes: Box[];
  /** For which width it was laid out. */
  width: number;
}

/** What of a section is near the window. */
export interface Seen {
  section: Laid;
  first: number;
  last: number;
}

/** Whether two states of a section lie alike: pictures of the same shapes, in the same order. */
export function haveSameShapes(a: Section, b: Section): boolean {
  if (!a.items || !b.items) return a.items === b.items;
  const others = b.items;
  return (
    a.items.length === others.length &&
    a.items.every((item, at) => tileAspect(item) === tileAspect(others[at] as Shown))
  );
}

export const headingOf = ({ title }: Section): number => (title ? HEADING_PX : 0);

/** Puts a child after another one, or first; one that is there already is not touched, and keeps the focus. */
export function putAfter(
  parent: HTMLElement,
  before: HTMLElement | null,
  child: HTMLElement,
): void {
  const next = before ? before.nextElementSibling : parent.firstElementChild;
  if (next !== child) parent.insertBefore(child, next);
}
