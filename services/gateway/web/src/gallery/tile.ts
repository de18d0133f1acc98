import type { Photo, Video } from '../api/schema';
import { assetTitle, jobTitle } from '../catalog';
import type { Box } from '../grid/layout';
import { photoHash, videoHash } from '../router';
import { isActive, jobToShow } from '../store';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { explainJob, notMade } from '../ui/errors';
import { type IconName, icon } from '../ui/icons';
import { ProgressBar } from '../ui/progress';
import { clockWords, dayWords, percent, progressWords } from '../ui/words';

const t = texts.tile;
const ASPECT_UNKNOWN = 4 / 3;
/** Wider or taller photos are cropped to this in the gallery, so that a panorama stays a tile. */
const ASPECT_WIDEST = 3;
const ASPECT_TALLEST = 0.5;

export function tileAspect(photo: Pick<Photo, 'width' | 'height'>): number {
  if (!photo.width || !photo.height) return ASPECT_UNKNOWN;
  return Math.min(Math.max(photo.width / photo.height, ASPECT_TALLEST), ASPECT_WIDEST);
}

/** What a tile shows: a photo or a video, or as much of one as a timeline tells. */
export type Shown = Pick<
  Photo,
  'id' | 'name' | 'width' | 'height' | 'taken_at' | 'badges' | 'job'
> &
  (Pick<Photo, 'kind'> | Pick<Video, 'kind' | 'duration_s'>) & {
    version?: string;
    /** Whether its 3D was only guessed. */
    rough?: boolean;
  };

const durationOf = (item: Shown): string =>
  item.kind === 'video' && item.duration_s !== null ? clockWords(item.duration_s) : '';

/** What a screen reader says of a photo or a video in the gallery. */
export function tileLabel(photo: Shown): string {
  const kind = photo.kind === 'video' ? texts.unnamedVideo : texts.unnamedPhoto;
  const parts = [photo.name || kind, dayWords(photo.taken_at), durationOf(photo)];
  const [best] = kindsOf(photo);
  if (best) parts.push(best === 'depth' ? t.depthReady : t.ready(assetTitle(best)));
  const job = jobToShow(photo);
  if (isActive(job)) parts.push(texts.work.now(jobTitle(job.kind)));
  else if (job) parts.push(notMade(job.kind));
  return parts.filter(Boolean).join(', ');
}

/**
 * One photo or video in the gallery: a link with the thumbnail, badges and the progress of its job.
 * The link is named in words by a text for screen readers; the badges are for the eye only.
 */
export class Tile {
  readonly element: HTMLElement;
  readonly link: HTMLAnchorElement;
  /** What is shown of. */
  item: Shown;
  private readonly badges = el('span', { class: 'tile-badges', 'aria-hidden': 'true' });
  private readonly status = el('span', { class: 'tile-status', hidden: true });
  private readonly label = el('span', { class: 'sr-only' });
  private readonly statusWords = el('span', { class: 'tile-words' });
  private readonly bar: ProgressBar;
  private readonly image: HTMLImageElement;
  private readonly name = el('span', { class: 'tile-name', 'aria-hidden': 'true' });
  /** By which it is chosen; none where nothing can be. */
  private check: HTMLButtonElement | null = null;
  private isChosen = false;

  /** isLarger: whether its picture is larger than a thumbnail. */
  constructor(
    photo: Shown,
    thumbnailUrl: string,
    public isLarger = false,
  ) {
    const image = el('img', {
      src: thumbnailUrl,
      alt: '',
      loading: 'lazy',
      decoding: 'async',
      draggable: 'false',
    });
    this.image = image;
    image.addEventListener('load', () => {
      image.classList.add('is-loaded');
      this.element.classList.remove('is-broken');
    });
    image.addEventListener('error', () => this.element.classList.add('is-broken'));
    this.bar = new ProgressBar(texts.work.progressOf(photo.name));
    this.link = el(
      'a',
      {
        class: 'tile-link',
        href: photo.kind === 'video' ? videoHash(photo.id) : photoHash(photo.id),
        tabindex: -1,
        data: { id: photo.id },
      },
      image,
      this.name,
      durationOf(photo) &&
        el('span', { class: 'tile-duration', 'aria-hidden': 'true' }, durationOf(photo)),
      this.badges,
      this.label,
    );
    this.item = photo;
    this.status.append(this.statusWords, this.bar.element);
    this.element = el('li', { class: 'tile', data: { id: photo.id } }, this.link, this.status);
    this.show(photo);
  }

  /** The address of the picture shown. */
  get picture(): string {
    return this.image.src;
  }

  /** Asks for the picture again where it did not come. */
  retryPicture(): void {
    if (this.element.classList.contains('is-broken')) this.image.src = this.picture;
  }

  /** Has this done, once, where there is no picture. */
  onBroken(then: () => void): void {
    this.image.addEventListener('error', then, { once: true });
  }

  /** Shows whether it is chosen; null where nothing can be. */
  mark(chosen: boolean | null): void {
    if (chosen === null || (this.check && chosen === this.isChosen)) return;
    this.isChosen = chosen;
    if (!this.check) {
      // The space bar does the same on the tile: one stop of the tab key is enough.
      this.check = el('button', {
        class: 'tile-check',
        type: 'button',
        role: 'checkbox',
        tabindex: -1,
      });
      this.element.append(this.check);
    }
    this.check.setAttribute('aria-checked', String(chosen));
    this.element.classList.toggle('is-chosen', chosen);
    this.tellName();
  }

  /** Shows a larger picture, where the tile has become larger. */
  sharpen(url: string): void {
    this.isLarger = true;
    this.image.src = url;
  }

  /** Puts the tile where a layout wants it, in pixels of what it lies in. */
  place({ left, top, width, height }: Box): void {
    const { style } = this.element;
    style.transform = `translate(${left}px, ${top}px)`;
    style.width = `${width}px`;
    style.height = `${height}px`;
  }

  /** The photo itself is another one than before, in another version. */
  replace(photo: Shown, thumbnailUrl: string): void {
    // Even of the same version the picture may be there only now.
    this.image.src = thumbnailUrl;
    this.show(photo);
  }

  private show(photo: Shown): void {
    this.name.textContent = photo.name;
    this.element.style.setProperty('--aspect', tileAspect(photo).toFixed(4));
    this.update(photo);
  }

  private tellName(): void {
    const chosen = this.isChosen && `, ${texts.selection.chosen}`;
    this.label.textContent = tileLabel(this.item) + (chosen || '');
    this.check?.setAttribute('aria-label', texts.selection.choose(this.item.name));
  }

  update(photo: Shown): void {
    this.item = photo;
    this.tellName();
    const shown = kindsOf(photo).filter((kind) => kind !== 'depth');
    this.badges.replaceChildren(...shown.map((kind) => badgeOf(kind, photo.rough ?? false)));
    const job = jobToShow(photo);
    const failure = job && explainJob(job);
    this.status.hidden = !failure && !isActive(job);
    this.status.classList.toggle('is-failed', Boolean(failure));
    this.bar.element.hidden = Boolean(failure);
    if (failure && job) {
      this.statusWords.textContent = notMade(job.kind);
      this.status.title = failure.title;
    } else if (isActive(job)) {
      const done = percent(job);
      this.status.title = '';
      this.statusWords.textContent = progressWords(job);
      this.bar.set(done);
    }
  }
}

/** Badges for the eye; depth alone is a step to 3D, and has none. */
const BADGES: Record<string, { picture: IconName; title: string }> = {
  splat: { picture: 'cube', title: t.lookAround },
  'depth-video': { picture: 'cube', title: t.withDepth },
  motion: { picture: 'motion', title: t.clip },
};

const ROUGH: { picture: IconName; title: string } = { picture: 'cube', title: texts.rough.badge };

/** The kinds of what a photo has, those first that say most. */
function kindsOf(photo: Pick<Photo, 'badges'>): string[] {
  const kinds = new Set(['splat', 'depth-video', 'depth', 'motion', ...Object.keys(photo.badges)]);
  return [...kinds].filter((kind) => photo.badges[kind]);
}

function badgeOf(kind: string, rough: boolean): HTMLElement {
  const { picture, title } = rough && kind === 'splat' ? ROUGH : (BADGES[kind] ?? {});
  const name = assetTitle(kind);
  return el(
    'span',
    {
      class: rough && kind === 'splat' ? 'badge is-rough' : 'badge',
      title: title ?? t.has(name),
      data: { badge: kind },
    },
    picture ? icon(picture) : name,
  );
}
