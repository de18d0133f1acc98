import type { Shown } from '../gallery/tile';
import type { Grid } from './grid';
import type { Selection } from './selection';

/** A finger that stays so long, and this still, chooses. */
const HOLD_MS = 450;
const STILL_PX = 10;

const linkOf = (event: Event): HTMLElement | null | undefined =>
  (event.target as Element).closest('.tile')?.querySelector('.tile-link');

const tileAt = (event: Event): string | undefined =>
  (event.target as Element).closest<HTMLElement>('.tile')?.dataset.id;

/**
 * Has what lies in a grid chosen: by the mark of a tile, by the space bar, by a finger that is held on it; once
 * something is chosen by a click anywhere on it. With Shift, all up to there.
 * readBetween: has all between two of them known; false where that cannot be.
 */
export function letChoose(
  grid: Grid,
  selection: Selection,
  readBetween: (from: string, to: string) => Promise<boolean> = async () => true,
): void {
  const { element } = grid;
  const choose = (id: string, range: boolean) => {
    const item = grid.item(id);
    if (!item) return;
    if (range) void extend(item);
    else selection.toggle(item);
  };
  const extend = async (item: Shown) => {
    const { last } = selection;
    if (last && !(await readBetween(last, item.id))) return;
    // Meanwhile something else may have been chosen, or all let go.
    if (selection.last === last) selection.extend(item, grid.known);
  };
  const held = followHolds(element, (id) => selection.isAllowed && choose(id, false));
  selection.on('change', () => grid.markChosen());
  element.addEventListener('click', (event) => {
    const id = tileAt(event);
    if (!id || !selection.isAllowed) return;
    const isMark = (event.target as Element).matches('.tile-check');
    if (!isMark && selection.size === 0 && !held()) return;
    event.preventDefault();
    if (isMark) linkOf(event)?.focus({ preventScroll: true });
    if (!held()) choose(id, event.shiftKey);
  });
  element.addEventListener('keydown', (event) => {
    const id = tileAt(event);
    if (event.key !== ' ' || !id || event.target !== linkOf(event) || !selection.isAllowed) return;
    event.preventDefault();
    choose(id, event.shiftKey);
  });
}

/** Tells of fingers that are held on a tile; returns whether the touch that goes on, or went last, was one. */
function followHolds(element: HTMLElement, onHold: (id: string) => void): () => boolean {
  let isHeld = false;
  let timer = 0;
  let begun = { x: 0, y: 0 };
  const end = () => window.clearTimeout(timer);
  element.addEventListener('pointerdown', (event) => {
    isHeld = false;
    end();
    const id = tileAt(event);
    if (event.pointerType !== 'touch' || !id) return;
    begun = { x: event.clientX, y: event.clientY };
    timer = window.setTimeout(() => {
      isHeld = true;
      onHold(id);
    }, HOLD_MS);
  });
  element.addEventListener('pointermove', ({ clientX, clientY }) => {
    if (Math.hypot(clientX - begun.x, clientY - begun.y) > STILL_PX) end();
  });
  element.addEventListener('pointerup', end);
  element.addEventListener('pointercancel', end);
  // The browser's own menu of a link would end the touch.
  element.addEventListener('contextmenu', (event) => {
    if ((event as PointerEvent).pointerType === 'touch') event.preventDefault();
  });
  return () => isHeld;
}
