import type { Api } from '../api/client';
import type { Asset, Photo } from '../api/schema';
import { prefersStillness } from '../render/device';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { iconButton } from './chrome';

/**
 * The motion clip of a photo, or the film of a live one: a button that plays it over the picture, again and again,
 * until it is pressed anew.
 */
export class MotionClip {
  readonly button = iconButton('film', texts.photo.clip, 'C', () => this.toggle());
  private asset: Asset | null = null;
  private film: HTMLVideoElement | null = null;
  private photo = '';
  /** Where the film of a live photo is. */
  private live: string | null = null;
  private expecting = false;

  constructor(
    private readonly api: Api,
    private readonly stage: HTMLElement,
    private readonly onTrouble: () => void,
  ) {
    this.button.classList.add('clip-button');
    this.show();
  }

  get playing(): boolean {
    return this.film !== null;
  }

  /** The next clip of this photo was asked for here: it is played as soon as it is there. */
  expectAnother(): void {
    this.expecting = true;
  }

  /** Takes in what there is of a photo. */
  setAssets({ id: photo, playback }: Photo, assets: Asset[]): void {
    const best = assets
      .filter(({ kind }) => kind === 'motion')
      .sort((a, b) => b.created_at.localeCompare(a.created_at))[0];
    const isNew = best !== undefined && best.created_at !== this.asset?.created_at;
    if (photo !== this.photo) this.expecting = false;
    if (photo !== this.photo || isNew) this.stop();
    this.photo = photo;
    this.asset = best ?? null;
    this.live = playback;
    this.show();
    if (!isNew || !this.expecting) return;
    this.expecting = false;
    if (!prefersStillness()) this.play();
  }

  toggle(): void {
    if (this.film) this.stop();
    else this.play();
  }

  stop(): void {
    this.film?.remove();
    this.film = null;
    delete document.body.dataset.clip;
    this.show();
  }

  private get source(): string | null {
    return this.asset?.files.find(({ role }) => role === 'motion')?.url ?? this.live;
  }

  private play(): void {
    const { source } = this;
    if (!source) return;
    const film = el('video', { class: 'clip', loop: true, playsinline: true });
    // As an attribute it would count only for what the page begins with.
    film.muted = true;
    film.src = this.api.url(source);
    film.addEventListener('playing', () => {
      document.body.dataset.clip = 'playing';
    });
    film.addEventListener('error', () => {
      if (film !== this.film) return;
      this.stop();
      this.onTrouble();
    });
    this.film = film;
    this.stage.append(film);
    this.show();
    film.play().catch(() => {});
  }

  private show(): void {
    this.button.hidden = this.source === null;
    this.button.setAttribute('aria-pressed', String(this.playing));
  }
}
