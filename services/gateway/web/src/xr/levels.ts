import type { AssetFile } from '../api/schema';

/** How many splats a device is good for, and where the watchdog may go from there. */
export interface Budget {
  splats: number;
  standalone: boolean;
}

/** Two eyes at 72 to 90 Hz: what was seen to hold on standalone headsets, and half of what desktops show flat. */
const STANDALONE = 400_000;
const TETHERED = 1_200_000;
const STANDALONE_AGENT = /Quest|OculusBrowser|Pico|Wolvic|Vision|Android/i;

export function budgetFor(userAgent: string, asked: number | null): Budget {
  const standalone = STANDALONE_AGENT.test(userAgent);
  return { splats: asked ?? (standalone ? STANDALONE : TETHERED), standalone };
}

/** Bytes of one splat in a file, at the least, so that a count made of it is rather too high. */
const BYTES: Record<string, number> = { spz: 10, splat: 32, ply: 56 };
const FORMATS = ['spz', 'splat', 'ply'];

const splatsIn = (file: AssetFile): number => file.size / (BYTES[file.format] ?? 10);

export type Quality = 'auto' | 'light' | 'full';

/**
 * The levels to show one after the other: the lightest at once, then the best that the budget bears. The converter made
 * them, merged and widened, so that none has holes.
 */
export function levelsFor(files: AssetFile[], splats: number, quality: Quality): AssetFile[] {
  const showable = files
    .filter(({ role, format }) => role === 'splat' && FORMATS.includes(format))
    .sort(
      (a, b) => splatsIn(a) - splatsIn(b) || FORMATS.indexOf(a.format) - FORMATS.indexOf(b.format),
    );
  const named = (name: string) => showable.find(({ variant }) => variant === name);
  const lightest = named('light') ?? showable[0];
  if (!lightest) return [];
  if (quality === 'light') return [lightest];
  const fit = showable.filter((file) => splatsIn(file) <= splats);
  const wanted = quality === 'full' ? (named('full') ?? showable.at(-1)) : fit.at(-1);
  if (!wanted || splatsIn(wanted) <= splatsIn(lightest)) return [lightest];
  return [lightest, wanted];
}

/**
 * What of these levels is still to be loaded. shown: which level of which result is before the eyes, as the result's
 * name and the file's address; who has another level of the same result goes to the last at once.
 */
export function levelsToLoad(levels: AssetFile[], result: string, shown: string): AssetFile[] {
  const wanted = shown.startsWith(result) ? levels.slice(-1) : levels;
  return wanted.filter(({ url }) => result + url !== shown);
}
