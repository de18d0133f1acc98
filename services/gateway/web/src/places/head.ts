import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';

/** The head of a place: its title, facts, and its page in Immich. */
export class Head {
  readonly title: HTMLHeadingElement;
  readonly element: HTMLElement;
  private readonly facts = el('p', { class: 'place-facts' });
  private readonly link = el('a', {
    class: 'icon-button',
    target: '_blank',
    rel: 'noopener',
    'aria-label': texts.inImmich,
    title: texts.inImmich,
    hidden: true,
  });

  constructor(title = '') {
    this.title = el('h1', { tabindex: -1 }, title);
    this.link.append(icon('open'));
    this.element = el(
      'div',
      { class: 'place-head' },
      el('div', {}, this.title, this.facts),
      this.link,
    );
  }

  set(title: string, facts = '', external: string | null = null): void {
    this.title.textContent = title;
    this.facts.textContent = facts;
    this.link.hidden = external === null;
    if (external) this.link.href = external;
  }
}
