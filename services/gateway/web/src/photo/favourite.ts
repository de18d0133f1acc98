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
  /** What was asked for and is not answered yet, by photo. */
  private readonly asked = new Map<string, boolean>();

  /** refused: says of which photo it could not be done, and why. */
  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly refused: (id: string, error: unknown, again: () => void) => void,
  ) {
    this.element.classList.add('favourite');
    this.show(null);
  }

  show(photo: Photo | null): void {
    this.photo = photo;
    this.element.hidden = !photo || this.store.share !== null;
    this.element.disabled = photo?.mine === false;
    this.element.title = photo?.mine === false ? t.others : t.add;
    this.element.setAttribute('aria-pressed', String(this.isFavourite));
  }

  private get isFavourite(): boolean {
    const { photo } = this;
    return this.asked.get(photo?.id ?? '') ?? photo?.favorite ?? false;
  }

  private async toggle(): Promise<void> {
    if (this.photo) await this.mark(this.photo.id, !this.isFavourite);
  }

  private async mark(id: string, favorite: boolean): Promise<void> {
    this.asked.set(id, favorite);
    this.show(this.photo);
    try {
      await this.api.setFavourite('photo', id, favorite);
      this.store.applyFavourite(id, favorite);
      announce(favorite ? t.added : t.removed);
    } catch (error) {
      this.refused(id, error, () => void this.mark(id, favorite));
    } finally {
      if (this.asked.get(id) === favorite) this.asked.delete(id);
      this.show(this.photo);
    }
  }
}
