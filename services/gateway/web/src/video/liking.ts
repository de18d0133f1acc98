/** How somebody likes to watch; kept in this browser. */
export interface Liking {
  /** 0 to 1. */
  volume: number;
  muted: boolean;
  /** Times as fast as it was filmed. */
  rate: number;
  loop: boolean;
  /** How much depth there is: 0 is flat, 1 as it was estimated. */
  strength: number;
}

export const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
export const MOST_STRENGTH = 1.5;
const KEY = 'immichvr.player';
const USUAL: Liking = { volume: 1, muted: false, rate: 1, loop: false, strength: 1 };

export const rememberLiking = (liking: Liking): void =>
  localStorage.setItem(KEY, JSON.stringify(liking));

export const remembered = (): Liking => readLiking(localStorage.getItem(KEY));

/** What was kept, as far as it can be used. */
export function readLiking(kept: string | null): Liking {
  let found: Partial<Record<keyof Liking, unknown>>;
  try {
    found = Object(JSON.parse(kept ?? '{}'));
  } catch {
    return USUAL;
  }
  const within = (value: unknown, most: number, usual: number) =>
    typeof value === 'number' && value >= 0 && value <= most ? value : usual;
  return {
    volume: within(found.volume, 1, USUAL.volume),
    muted: found.muted === true,
    rate: RATES.find((rate) => rate === found.rate) ?? USUAL.rate,
    loop: found.loop === true,
    strength: within(found.strength, MOST_STRENGTH, USUAL.strength),
  };
}

/** The next speed up or down. */
export function nextRate(rate: number, direction: 1 | -1): number {
  const at = RATES.indexOf(rate) + direction;
  return RATES[Math.min(Math.max(at, 0), RATES.length - 1)] as number;
}
