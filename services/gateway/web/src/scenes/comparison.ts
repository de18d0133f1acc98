import './comparison.css';
import type { Api } from '../api/client';
import type { Asset } from '../api/schema';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { BeforeAfter } from './slider';

const t = texts.scenes;

/** The views before and after, of a version that was filled. */
export class Comparison {
  readonly element: HTMLElement;
  private readonly slider = new BeforeAfter();
  private readonly views = el('div', {
    class: 'scene-views',
    role: 'group',
    'aria-label': t.views,
  });

  constructor(private readonly api: Api) {
    this.element = el(
      'section',
      { class: 'scene-compare', hidden: true, 'aria-label': t.beforeAndAfter },
      el('h2', {}, t.beforeAndAfter),
      this.slider.element,
      this.views,
    );
  }

  /** Hides itself where there is nothing to compare. */
  show(asset: Asset | null): void {
    const of = (role: string) => (asset?.files ?? []).filter((file) => file.role === role);
    const after = new Map(of('after').map((file) => [file.variant, file]));
    const pairs = of('before').flatMap((before) => {
      const other = after.get(before.variant);
      return other ? [{ before, after: other }] : [];
    });
    this.element.hidden = pairs.length === 0;
    const show = (at: number) => {
      const pair = pairs[at];
      if (pair) this.slider.show(this.api.url(pair.before.url), this.api.url(pair.after.url));
    };
    this.views.replaceChildren(
      ...pairs.map((_, at) => {
        const button = el('button', { class: 'button', type: 'button' }, String(at + 1));
        button.setAttribute('aria-label', t.view(at + 1));
        button.addEventListener('click', () => show(at));
        return button;
      }),
    );
    show(0);
  }
}
