import type { Api } from '../api/client';
import type { Photo } from '../api/schema';
import type { Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { iconButton } from './chrome';

const t = texts.favourites;

/** The heart of a photo. Only its owner may press it. */
export class FavouriteButton {
  readonly element = iconButton('heart', t.add, '', () => void this.toggle());
  private photo: Photo | null = null;

  /** refused: says why it could not be done. */
  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly refused: (error: unknown, again: () => void) => void,
  ) {
    this.element.classList.add('favourite');
    this.show(null);
  }

  show(photo: Photo | null): void {
    this.photo = photo;
    this.element.hidden = !photo || this.store.share !== null;
    this.element.disabled = photo?.mine === false;
    this.element.title = photo?.mine === false ? t.others : t.add;
    this.element.setAttribute('aria-pressed', String(photo?.favorite ?? false));
  }

  private async toggle(): Promise<void> {
    const { photo } = this;
    if (!photo) return;
    const favorite = !photo.favorite;
    this.show({ ...photo, favorite });
    try {
      await this.api.setFavourite('photo', photo.id, favorite);
      const known = this.store.photos.get(photo.id);
      if (known) known.favorite = favorite;
      announce(favorite ? t.added : t.removed);
    } catch (error) {
      if (this.photo?.id === photo.id) this.show(photo);
      this.refused(error, () => void this.toggle());
    }
  }
}
