import type { Api } from '../api/client';
import { ApiError } from '../api/client';
import type { PlaceSource } from '../api/scenes';
import type { Job, WaysToReconstruct } from '../api/schema';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { explainError } from '../ui/errors';
import type { Chosen } from './hook';
import { OwnCameras } from './ownCameras';
import { Picks } from './picks';

const t = texts.scenes;
/** How cameras are found where they come with the photos. */
const GIVEN = 'given';

/** Asks of what a place is to be made, and how. */
export class MakePlace {
  readonly element: HTMLElement;
  private readonly method = el('select', { name: 'method' });
  private readonly quality = el('select', { name: 'quality' });
  private readonly moving = el('input', { type: 'checkbox', name: 'mask_moving' });
  private readonly sends = el('input', { type: 'checkbox', name: 'sends' });
  private readonly leaving = el('div', { class: 'scene-leaving', hidden: true });
  private readonly picks: Picks;
  private readonly cameras = new OwnCameras(() => this.count());
  private readonly about = el('p', { class: 'scene-about' });
  private readonly trouble = el('p', { class: 'scene-trouble', role: 'alert' });
  private readonly make = el('button', { class: 'button is-primary', type: 'submit' }, t.make);
  private of: Chosen | null = null;
  private opening = new AbortController();
  private ways: WaysToReconstruct | null = null;

  constructor(
    private readonly api: Api,
    private readonly made: (job: Job) => void,
  ) {
    this.picks = new Picks(api, () => this.count());
    this.element = el(
      'form',
      { class: 'scene-make', 'aria-label': t.make },
      this.about,
      this.picks.element,
      el('label', { class: 'scene-choice' }, t.what, this.method),
      el('label', { class: 'scene-choice' }, t.quality, this.quality),
      el('label', { class: 'scene-tick' }, this.moving, t.leaveOut),
      this.leaving,
      this.cameras.element,
      this.trouble,
      this.make,
    );
    this.method.addEventListener('change', () => this.tellWhatLeaves());
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.ask();
    });
  }

  /** Offers the newest photos, or what was chosen elsewhere and what was taken about then. */
  async open(of: Chosen | null): Promise<void> {
    this.opening.abort();
    this.opening = new AbortController();
    const { signal } = this.opening;
    this.of = of;
    this.trouble.textContent = '';
    // A yes is to one sending.
    this.sends.checked = false;
    this.make.disabled = true;
    const ways = await this.api.waysToReconstruct();
    if (signal.aborted) return;
    this.ways = ways;
    this.method.replaceChildren(...ways.methods.map((one) => option(one, t.methods)));
    this.quality.replaceChildren(...ways.qualities.map((one) => option(one, t.qualities)));
    this.tellWhatLeaves();
    this.picks.element.hidden = of?.kind === 'video';
    this.cameras.element.hidden = of?.kind === 'video' || !ways.poses.includes(GIVEN);
    this.picks.clear();
    this.cameras.clear();
    if (of?.kind !== 'video') await this.picks.offer(of?.id ?? null, signal);
    if (!signal.aborted) this.count();
  }

  private count(): void {
    const { chosen } = this.picks;
    const n = chosen.length;
    const most = this.ways?.most_photos ?? 0;
    if (this.of?.kind === 'video') this.about.textContent = t.ofVideo;
    else if (n === 0) this.about.textContent = t.choose(most);
    else this.about.textContent = t.chosen(n, most);
    const isPosed = this.cameras.suits(chosen);
    this.make.disabled = this.of?.kind !== 'video' && (n === 0 || !isPosed);
  }

  private tellWhatLeaves(): void {
    const cloud = this.method.value === 'cloud' ? this.ways?.cloud : null;
    this.leaving.hidden = !cloud;
    if (!cloud) this.sends.checked = false;
    this.sends.required = Boolean(cloud);
    if (!cloud) return;
    this.leaving.replaceChildren(
      el('p', {}, t.sentTo(cloud.name || cloud.address, cloud.address, cloud.sends)),
      el('p', {}, t.cost(cloud.cost)),
      el('label', { class: 'scene-tick' }, this.sends, t.send),
    );
  }

  private async ask(): Promise<void> {
    this.make.disabled = true;
    this.trouble.textContent = '';
    const { cameras } = this.cameras;
    try {
      this.made(
        await this.api.makePlace({
          source: this.source(),
          method: this.method.value,
          quality: this.quality.value,
          mask_moving: this.moving.checked,
          sends: this.sends.checked,
          ...(cameras && { poses: GIVEN, cameras }),
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
    return { photo_ids: this.picks.chosen.map(({ id }) => id) };
  }
}

function option(value: string, words: Record<string, string>): HTMLElement {
  return el('option', { value }, words[value] ?? value);
}
