import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { Photo } from '../api/schema';
import type { Store } from '../store';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import { iconButton } from './chrome';

/** The way to the photos beside this one, in the list that it was opened from. */
export class Steps {
  readonly previous = iconButton('previous', texts.photo.previous, '←', () => this.step(-1));
  readonly next = iconButton('next', texts.photo.next, '→', () => this.step(1));

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    /** The photo that is shown. */
    private readonly shown: () => string | null,
    /** How many photos on either side have their pictures fetched. */
    private readonly ahead: () => number,
    private readonly open: (id: string) => void,
  ) {
    // Until it is known what lies beside a photo that an address led to.
    this.previous.hidden = this.next.hidden = true;
    this.previous.classList.add('step', 'step-previous');
    this.next.classList.add('step', 'step-next');
  }

  update(): void {
    if (!this.shown()) return;
    this.previous.hidden = !this.neighbour(-1);
    this.next.hidden = !this.neighbour(1);
  }

  step(direction: 1 | -1): void {
    const id = this.neighbour(direction);
    if (!id) return;
    this.open(id);
    announce(this.store.photos.get(id)?.name ?? '');
  }

  /** Reads what lies beside a photo and, once that is `sharp`, the pictures of its neighbours. */
  async lookAround(photo: Photo | null, sharp: () => Promise<void>): Promise<void> {
    try {
      if (photo) await this.store.trail?.prepare(photo);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    await sharp(); // before what is beside it
    if (photo?.id !== this.shown()) return;
    this.update();
    for (const id of this.around(this.ahead())) new Image().src = this.api.previewUrl(id);
  }

  /** So many photos on either side, the nearest first. */
  private around(count: number): string[] {
    const found: string[] = [];
    const ends: Record<1 | -1, string | undefined> = {
      1: this.shown() ?? '',
      [-1]: this.shown() ?? '',
    };
    for (let step = 0; step < count; step += 1) {
      for (const direction of [1, -1] as const) {
        const end = ends[direction];
        const id = end ? this.neighbour(direction, end) : undefined;
        ends[direction] = id;
        if (id) found.push(id);
      }
    }
    return found;
  }

  private neighbour(direction: 1 | -1, of = this.shown() ?? ''): string | undefined {
    return this.store.trail?.neighbour(of, direction);
  }
}
