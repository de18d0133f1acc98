import { el } from './dom';

const region = el('div', { class: 'sr-only', role: 'status', 'aria-live': 'polite' });

/** Tells screen readers, politely. */
export function announce(words: string): void {
  if (!region.isConnected) document.body.append(region);
  if (region.textContent !== words) region.textContent = words;
}
