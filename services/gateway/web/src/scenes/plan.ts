import type { Asset, AssetFile } from '../api/schema';

/** Levels of points, from coarse to fine, by what their files are called. */
const LEVELS = ['preview', 'medium', 'full'];

/** What of a version is shown. */
export type Plan =
  /** One file after the other, each in place of the one before. */
  | { kind: 'files'; files: AssetFile[] }
  /** What is seen of a tree of tiles. */
  | { kind: 'tiles'; index: AssetFile; tiles: ReadonlyMap<string, AssetFile> };

/** How a version is shown; null where nothing of it can be. */
export function planOf({ files }: Pick<Asset, 'files'>): Plan | null {
  const splat = files.find(({ role, format }) => role === 'splat' && format === 'spz');
  if (splat) return { kind: 'files', files: [splat] };
  const index = files.find(({ role }) => role === 'tiles');
  const tiles = files.filter(({ role, format }) => role === 'tile' && format === 'glb');
  if (index && tiles.length)
    return { kind: 'tiles', index, tiles: new Map(tiles.map((file) => [file.name, file])) };
  const levels = LEVELS.flatMap((name) =>
    files.filter((file) => file.role === 'level' && file.format === 'glb' && file.variant === name),
  );
  if (levels.length) return { kind: 'files', files: levels };
  const ply = files.find(({ role, format }) => role === 'points' && format === 'ply');
  return ply ? { kind: 'files', files: [ply] } : null;
}
