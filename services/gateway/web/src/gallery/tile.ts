import type { Photo } from '../api/schema';
import { photoHash } from '../router';
import { isActive, jobToShow } from '../store';
import { el } from '../ui/dom';
import { explainJob, notMade } from '../ui/errors';
import { ProgressBar } from '../ui/progress';
import { dayWords, makingWords, percent, stageWords } from '../ui/words';

const ASPECT_UNKNOWN = 4 / 3;
/** Wider or taller photos are cropped to this in the gallery, so that a panorama stays a tile. */
const ASPECT_WIDEST = 3;
const ASPECT_TALLEST = 0.5;

export function tileAspect(photo: Pick<Photo, 'width' | 'height'>): number {
  if (!photo.width || !photo.height) return ASPECT_UNKNOWN;
  return Math.min(Math.max(photo.width / photo.height, ASPECT_TALLEST), ASPECT_WIDEST);
}

/** What a screen reader says of a photo in the gallery. */
export function tileLabel(photo: Photo): string {
  const parts = [photo.name, dayWords(photo.taken_at)];
  if (photo.badges.splat) parts.push('3D ready');
  else if (photo.badges.depth) parts.push('depth ready');
  const job = jobToShow(photo);
  if (isActive(job)) parts.push(`${makingWords(job.kind).toLowerCase()} now`);
  else if (job) parts.push(notMade(job.kind));
  return parts.filter(Boolean).join(', ');
}

/**
 * One photo in the gallery: a link with the thumbnail, badges and the progress of its job.
 * The link is named in words by a text for screen readers; the badges are for the eye only.
 */
export class Tile {
  readonly element: HTMLElement;
  readonly link: HTMLAnchorElement;
  private readonly badges = el('span', { class: 'tile-badges', 'aria-hidden': 'true' });
  private readonly status = el('span', { class: 'tile-status', hidden: true });
  private readonly label = el('span', { class: 'sr-only' });
  private readonly statusWords = el('span', { class: 'tile-words' });
  private readonly bar: ProgressBar;

  constructor(photo: Photo, thumbnailUrl: string) {
    const image = el('img', {
      src: thumbnailUrl,
      alt: '',
      loading: 'lazy',
      decoding: 'async',
      draggable: 'false',
    });
    image.addEventListener('load', () => image.classList.add('is-loaded'));
    image.addEventListener('error', () => this.element.classList.add('is-broken'));
    this.bar = new ProgressBar(`Progress of ${photo.name}`);
    this.link = el(
      'a',
      { class: 'tile-link', href: photoHash(photo.id), tabindex: -1, data: { id: photo.id } },
      image,
      el('span', { class: 'tile-name', 'aria-hidden': 'true' }, photo.name),
      this.badges,
      this.label,
    );
    this.status.append(this.statusWords, this.bar.element);
    const aspect = tileAspect(photo);
    this.element = el(
      'li',
      { class: 'tile', style: { '--aspect': aspect.toFixed(4) }, data: { id: photo.id } },
      this.link,
      this.status,
    );
    this.update(photo);
  }

  update(photo: Photo): void {
    this.label.textContent = tileLabel(photo);
    this.badges.replaceChildren(...badgesOf(photo));
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
      this.statusWords.textContent =
        done === null ? stageWords(job) : `${stageWords(job)} · ${done} %`;
      this.bar.set(done);
    }
  }
}

function badgesOf(photo: Photo): HTMLElement[] {
  const badges: HTMLElement[] = [];
  if (photo.badges.splat) badges.push(badge('3D', 'splat', 'Can be looked around in'));
  if (photo.badges.depth) badges.push(badge('D', 'depth', 'Has depth'));
  return badges;
}

function badge(text: string, kind: string, title: string): HTMLElement {
  const bracket = (sign: string) => el('span', { class: 'badge-bracket' }, sign);
  return el(
    'span',
    { class: 'badge', title, data: { badge: kind } },
    bracket('['),
    text,
    bracket(']'),
  );
}
