import type { Look } from './look';

/** Tells the styles what a person has set. */
export function applyLook({ animationDuration, backgroundColor }: Look): void {
  const { style } = document.documentElement;
  style.setProperty('--slow', `${animationDuration}s`);
  style.setProperty('--backdrop', backgroundColor);
}
