import { SKIP_S } from './controls';
import { MOST_STRENGTH, nextRate } from './liking';
import type { Player } from './player';

export interface VideoKeys {
  leave(): void;
  /** To the video before, or the next. */
  step(direction: 1 | -1): void;
  fullscreen(): void;
}

const LEAN = 0.06;
const LOUDER = 0.1;
const STRONGER = 0.1;

type Deed = (player: Player, keys: VideoKeys) => void;

const louder = (player: Player, by: number) => {
  const volume = Math.min(Math.max(player.liking.volume + by, 0), 1);
  player.prefer({ volume, muted: false });
};
const stronger = (player: Player, by: number) =>
  player.prefer({ strength: Math.min(Math.max(player.liking.strength + by, 0), MOST_STRENGTH) });
const faster = (player: Player, direction: 1 | -1) =>
  player.prefer({ rate: nextRate(player.liking.rate, direction) });

const DEEDS: Record<string, Deed> = {
  Escape: (_, keys) => keys.leave(),
  ' ': (player) => player.toggle(),
  k: (player) => player.toggle(),
  ArrowLeft: (player) => player.seekBy(-SKIP_S),
  ArrowRight: (player) => player.seekBy(SKIP_S),
  j: (player) => player.seekBy(-SKIP_S),
  l: (player) => player.seekBy(SKIP_S),
  ',': (player) => player.step(-1),
  '.': (player) => player.step(1),
  Home: (player) => player.seek(0),
  End: (player) => player.seek(player.duration),
  ArrowUp: (player) => louder(player, LOUDER),
  ArrowDown: (player) => louder(player, -LOUDER),
  m: (player) => player.prefer({ muted: !player.liking.muted }),
  '<': (player) => faster(player, -1),
  '>': (player) => faster(player, 1),
  o: (player) => player.prefer({ loop: !player.liking.loop }),
  '1': (player) => player.choose('flat'),
  '2': (player) => player.choose('depth'),
  '[': (player) => stronger(player, -STRONGER),
  ']': (player) => stronger(player, STRONGER),
  a: (player) => player.depth.orbitBy(LEAN, 0),
  d: (player) => player.depth.orbitBy(-LEAN, 0),
  w: (player) => player.depth.orbitBy(0, LEAN),
  s: (player) => player.depth.orbitBy(0, -LEAN),
  r: (player) => player.depth.reset(),
  g: (player) => player.toggleMotion(),
  PageUp: (_, keys) => keys.step(-1),
  PageDown: (_, keys) => keys.step(1),
  f: (_, keys) => keys.fullscreen(),
};

/** What a key does in a video; false where it does nothing here. */
export function actOnVideoKey(event: KeyboardEvent, player: Player, keys: VideoKeys): boolean {
  const deed = DEEDS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!deed || event.ctrlKey || event.metaKey || event.altKey) return false;
  // A button that has the focus is pressed by the space bar, as everywhere.
  if (event.key === ' ' && (event.target as Element).closest('button, a, summary')) return false;
  deed(player, keys);
  return true;
}
