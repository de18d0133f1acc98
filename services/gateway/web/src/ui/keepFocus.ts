/** What may be pressed or written into. */
const CONTROLS = [
  'a[href]',
  ...['button', 'input', 'select', 'textarea'].map((kind) => `${kind}:enabled`),
  'summary',
  '[tabindex="0"]',
].join();
/** What can have the focus as a whole: whoever listens is told what it is. */
const PARTS = ['main', 'section', 'aside', 'dialog', 'li', '[tabindex]'].join();
/** Neighbours of what lies in here have nothing to do with one another. */
const BARS = ['header', 'footer', 'nav'].join();

/**
 * Gives the focus on where what had it goes, as a button does that is taken away when it is pressed: to what can be
 * pressed beside it, or to the part of the page that it lay in. What is disabled for a while has it again afterwards.
 */
export function keepFocus(): void {
  let held: HTMLElement | null = null;
  let around: Element[] = [];
  const isLost = () => document.activeElement === document.body || document.activeElement === held;
  const giveOn = () => {
    if (held && !isSeen(held) && isLost()) nearest(held, around)?.focus({ preventScroll: true });
  };
  const sized = new ResizeObserver(giveOn);
  // The size of what stands in a line is none, and never changes.
  const changed = new MutationObserver((records) => {
    if (!records.some((record) => concerns(record, held))) return;
    // What comes in its place may come a little later.
    requestAnimationFrame(() => {
      giveOn();
      if (held && isSeen(held) && isLost()) held.focus({ preventScroll: true });
    });
  });
  const letGo = () => {
    sized.disconnect();
    changed.disconnect();
    held = null;
  };
  document.addEventListener('focusin', ({ target }) => {
    letGo();
    if (!(target instanceof HTMLElement)) return;
    held = target;
    around = ancestors(target);
    sized.observe(target);
    for (let at: Element | null = target; at; at = at.parentElement)
      changed.observe(at, { childList: true, attributeFilter: ['disabled', 'hidden', 'inert'] });
  });
  // Whoever presses beside everything wants nothing to have it.
  document.addEventListener('pointerdown', ({ target }) => {
    if (target instanceof Element && !target.closest(`${CONTROLS},[tabindex]`)) letGo();
  });
}

/** Whether an element was taken out by this, or can be seen or pressed since. */
const concerns = ({ type, removedNodes }: MutationRecord, element: Element | null): boolean =>
  type === 'attributes' || [...removedNodes].some((node) => node.contains(element));

/** What lies around an element, the innermost first; without what holds the whole page. */
function ancestors(element: Element): Element[] {
  const found: Element[] = [];
  let at = element.parentElement;
  for (; at?.parentElement && at.parentElement !== document.body; at = at.parentElement)
    found.push(at);
  return found;
}

function nearest(gone: HTMLElement, around: Element[]): HTMLElement | null {
  for (const part of around) {
    if (!isSeen(part) || part.matches(BARS)) continue;
    if (part.matches(PARTS)) return asWhole(part);
    const beside = neighbour(part, gone);
    if (beside) return beside;
  }
  const main = [...document.querySelectorAll('main')].find(isSeen);
  return main ? asWhole(main) : null;
}

/** The next one after what is gone, or else the last before it; the first where it is not on the page any more. */
function neighbour(part: Element, gone: Element): HTMLElement | null {
  const all = [...part.querySelectorAll<HTMLElement>(CONTROLS)].filter(isSeen);
  if (!gone.isConnected) return all[0] ?? null;
  const isAfter = (one: Element) =>
    gone.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING;
  return all.find(isAfter) ?? all.at(-1) ?? null;
}

const isSeen = (element: Element): boolean =>
  element.isConnected &&
  element.checkVisibility({ visibilityProperty: true }) &&
  element.closest('[inert]') === null;

function asWhole(part: Element): HTMLElement {
  const whole = part as HTMLElement;
  if (!whole.matches('[tabindex]')) whole.tabIndex = -1;
  return whole;
}
