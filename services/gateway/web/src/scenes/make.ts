import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { PlaceSource } from '../api/scenes';
import type { Job, Photo, WaysToReconstruct } from '../api/schema';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import type { Chosen } from './hook';

const METHODS: Record<string, string> = {
  gaussian_splatting: 'A place to walk in',
  points: 'Its points alone',
  cloud: 'Trained elsewhere',
};
const QUALITIES: Record<string, string> = {
  draft: 'Draft: minutes',
  normal: 'Normal',
  high: 'High: takes long',
};
const PAGE = 120;

/** Asks of what a place is to be made, and how. */
export class MakePlace {
  readonly element: HTMLElement;
  private readonly method = el('select', { name: 'method' });
  private readonly quality = el('select', { name: 'quality' });
  private readonly moving = el('input', { type: 'checkbox', name: 'mask_moving' });
  private readonly sends = el('input', { type: 'checkbox', name: 'sends' });
  private readonly leaving = el('div', { class: 'scene-leaving', hidden: true });
  private readonly picks = el('ul', { class: 'scene-picks', 'aria-label': 'Photos' });
  private readonly about = el('p', { class: 'scene-about' });
  private readonly trouble = el('p', { class: 'scene-trouble', role: 'alert' });
  private readonly make = el('button', { class: 'button', type: 'submit' }, 'Make a place');
  private readonly chosen = new Set<string>();
  private of: Chosen | null = null;
  private ways: WaysToReconstruct | null = null;

  constructor(
    private readonly api: Api,
    private readonly made: (job: Job) => void,
  ) {
    this.element = el(
      'form',
      { class: 'scene-make', 'aria-label': 'Make a place' },
      this.about,
      this.picks,
      el('label', { class: 'scene-choice' }, 'What', this.method),
      el('label', { class: 'scene-choice' }, 'Quality', this.quality),
      el('label', { class: 'scene-tick' }, this.moving, 'Leave out what moves, such as people'),
      this.leaving,
      this.trouble,
      this.make,
    );
    this.method.addEventListener('change', () => this.tellWhatLeaves());
    this.picks.addEventListener('change', () => this.count());
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.ask();
    });
  }

  /** Offers the newest photos, or what was chosen elsewhere. */
  async open(of: Chosen | null): Promise<void> {
    this.of = of;
    this.trouble.textContent = '';
    this.chosen.clear();
    this.ways = await this.api.waysToReconstruct();
    this.method.replaceChildren(...this.ways.methods.map((one) => option(one, METHODS)));
    this.quality.replaceChildren(...this.ways.qualities.map((one) => option(one, QUALITIES)));
    this.tellWhatLeaves();
    this.picks.hidden = of?.kind === 'video';
    if (of?.kind === 'video') this.picks.replaceChildren();
    else await this.offer(of);
    this.count();
  }

  private async offer(of: Chosen | null): Promise<void> {
    const stack = of ? await this.api.stackOf(of.id) : [];
    const photos = stack.length > 1 ? stack : (await this.api.photos(null, PAGE)).items;
    const single = of && stack.length <= 1 ? await this.api.photo(of.id) : null;
    const offered =
      single && !photos.some(({ id }) => id === single.id) ? [single, ...photos] : photos;
    for (const { id } of stack) this.chosen.add(id);
    if (single) this.chosen.add(single.id);
    this.picks.replaceChildren(...offered.map((photo) => this.pick(photo)));
  }

  private pick(photo: Pick<Photo, 'id' | 'name'>): HTMLElement {
    const box = el('input', {
      type: 'checkbox',
      value: photo.id,
      checked: this.chosen.has(photo.id),
    });
    const src = this.api.url(`/api/photos/${encodeURIComponent(photo.id)}/thumbnail`);
    const picture = el('img', { src, alt: photo.name, loading: 'lazy', decoding: 'async' });
    return el('li', {}, el('label', { class: 'scene-pick' }, box, picture));
  }

  private count(): void {
    this.chosen.clear();
    for (const box of this.picks.querySelectorAll<HTMLInputElement>('input:checked'))
      this.chosen.add(box.value);
    const n = this.chosen.size;
    const most = this.ways?.most_photos ?? 0;
    if (this.of?.kind === 'video') this.about.textContent = 'A place is made of this video.';
    else if (n === 0)
      this.about.textContent = `Choose photos of one place, taken from different spots: 2 to ${most}.`;
    else this.about.textContent = `${n} chosen of at most ${most}.`;
    this.make.disabled = this.of?.kind !== 'video' && n === 0;
  }

  private tellWhatLeaves(): void {
    const cloud = this.method.value === 'cloud' ? this.ways?.cloud : null;
    this.leaving.hidden = !cloud;
    this.sends.required = Boolean(cloud);
    if (!cloud) return;
    this.leaving.replaceChildren(
      el('p', {}, `Sent to ${cloud.name || cloud.address} (${cloud.address}): ${cloud.sends}.`),
      el('p', {}, `What it may cost: ${cloud.cost}`),
      el('label', { class: 'scene-tick' }, this.sends, 'Yes, send them'),
    );
  }

  private async ask(): Promise<void> {
    this.make.disabled = true;
    this.trouble.textContent = '';
    try {
      this.made(
        await this.api.makePlace({
          source: this.source(),
          method: this.method.value,
          quality: this.quality.value,
          mask_moving: this.moving.checked,
          sends: this.sends.checked,
        }),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { title, advice, detail } = explainError(error);
      this.trouble.textContent = [title, advice, detail].filter(Boolean).join(' ');
    } finally {
      this.make.disabled = false;
    }
  }

  private source(): PlaceSource {
    if (this.of?.kind === 'video') return { video_id: this.of.id };
    return { photo_ids: [...this.chosen] };
  }
}

function option(value: string, words: Record<string, string>): HTMLElement {
  return el('option', { value }, words[value] ?? value);
}
