import { el } from '../ui/dom';
import { type IconName, icon } from '../ui/icons';

const REST_MS = 3500;

export function iconButton(name: IconName, label: string, keys: string, run: () => void) {
  const button = el(
    'button',
    {
      class: 'icon-button',
      type: 'button',
      'aria-label': label,
      title: keys ? `${label} (${keys})` : label,
    },
    icon(name),
  );
  button.addEventListener('click', run);
  return button;
}

/** Lets the controls fade while nobody uses them, and brings them back at the first sign of life. */
export class RestingChrome {
  private timer = 0;

  /** `busy` says whether something on screen must not fade now. */
  constructor(
    private readonly view: HTMLElement,
    private readonly busy: () => boolean,
  ) {
    for (const type of ['pointermove', 'pointerdown', 'keydown', 'focusin'] as const) {
      view.addEventListener(type, (event) => {
        if (this.isSignOfLife(event)) this.wake();
      });
    }
  }

  wake(): void {
    this.view.classList.remove('is-resting');
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.rest(), REST_MS);
  }

  /** For touch: a tap on the picture shows or hides the controls. */
  toggle(): void {
    if (this.view.classList.contains('is-resting')) this.wake();
    else this.rest();
  }

  stop(): void {
    window.clearTimeout(this.timer);
    this.view.classList.remove('is-resting');
  }

  /** Touching the picture is left to `toggle`, and so is the focus that a touch brings along. */
  private isSignOfLife(event: Event): boolean {
    if (event.type === 'focusin') return event.target !== this.view;
    const touch = event instanceof PointerEvent && event.pointerType === 'touch';
    return !touch || !(event.target as Element).closest('.stage');
  }

  private rest(): void {
    const focused = this.view.querySelector(':focus-visible');
    if (this.busy() || (focused && focused !== this.view)) this.wake();
    else this.view.classList.add('is-resting');
  }
}
