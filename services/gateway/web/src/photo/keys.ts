import type { Mode } from './modes';

export interface PhotoKeys {
  leave(): void;
  step(direction: 1 | -1): void;
  choose(mode: Mode): void;
  orbit(dx: number, dy: number): void;
  dolly(amount: number): void;
  reset(): void;
  motion(): void;
  tilt(): void;
  info(): void;
  downloads(): void;
  clip(): void;
  fullscreen(): void;
  figures(): void;
}

const LEAN = 0.06;
const STEP = 0.06;

/** What a key does in a photo; false where it does nothing here. */
export function actOnKey(event: KeyboardEvent, keys: PhotoKeys): boolean {
  const act = ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return false;
  act(keys);
  return true;
}

const ACTIONS: Record<string, (keys: PhotoKeys) => void> = {
  Escape: (keys) => keys.leave(),
  ArrowLeft: (keys) => keys.step(-1),
  ArrowRight: (keys) => keys.step(1),
  '1': (keys) => keys.choose('flat'),
  '2': (keys) => keys.choose('depth'),
  '3': (keys) => keys.choose('splat'),
  a: (keys) => keys.orbit(LEAN, 0),
  d: (keys) => keys.orbit(-LEAN, 0),
  w: (keys) => keys.orbit(0, LEAN),
  s: (keys) => keys.orbit(0, -LEAN),
  '+': (keys) => keys.dolly(STEP),
  '=': (keys) => keys.dolly(STEP),
  '-': (keys) => keys.dolly(-STEP),
  r: (keys) => keys.reset(),
  m: (keys) => keys.motion(),
  t: (keys) => keys.tilt(),
  i: (keys) => keys.info(),
  l: (keys) => keys.downloads(),
  c: (keys) => keys.clip(),
  f: (keys) => keys.fullscreen(),
  g: (keys) => keys.figures(),
};
