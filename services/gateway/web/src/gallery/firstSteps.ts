import './firstSteps.css';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { icon } from '../ui/icons';
import type { Shown } from './tile';

/** Whether somebody has waved it away. */
const KEPT = 'immichvr.first-steps';
/** So many are made soon, also by a processor. */
const AT_FIRST = 12;
const t = texts.firstSteps;

/** Offers to make 3D of the newest photos, until that is begun or waved away. */
export class FirstSteps {
  readonly element = el('aside', { class: 'first-steps', 'aria-label': t.label, hidden: true });
  private readonly go = el('button', { class: 'button is-primary is-small', type: 'button' });
  private newest: Shown[] = [];

  constructor(make: (items: Shown[]) => void) {
    this.go.addEventListener('click', () => {
      const items = this.newest;
      this.suit([]);
      make(items);
    });
    const close = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': texts.work.close },
      icon('close'),
    );
    close.addEventListener('click', () => {
      localStorage.setItem(KEPT, 'no');
      this.suit([]);
    });
    this.element.append(el('p', {}, t.none), this.go, close);
  }

  /** items: of which none is in 3D, newest first; none of them for no offer. */
  suit(items: Shown[]): void {
    this.newest = items.filter(({ kind }) => kind === 'photo').slice(0, AT_FIRST);
    this.go.textContent = t.go(this.newest.length);
    this.element.hidden = this.newest.length === 0 || localStorage.getItem(KEPT) !== null;
  }
}
