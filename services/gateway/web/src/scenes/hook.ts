import { popupLink } from '../photo/popup';
import { SCENES } from '../router';
import { texts } from '../texts';

/** What somebody wants to make a place of. */
export interface Chosen {
  kind: 'photo' | 'video';
  id: string;
}

/** The row of a menu that leads to making a place of what is open. */
export function placeLink({ kind, id }: Chosen): HTMLElement {
  return popupLink('cube', texts.menu.place, texts.menu.placeNote, `${SCENES}?${kind}=${id}`);
}

/** What the address says that a place is to be made of. */
export function chosenIn(hash: string): Chosen | null {
  const query = new URLSearchParams(hash.split('?')[1] ?? '');
  for (const kind of ['photo', 'video'] as const) {
    const id = query.get(kind);
    if (id) return { kind, id };
  }
  return null;
}
