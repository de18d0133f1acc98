/** See points.mjs. */
export function glbOf(places: readonly (readonly number[])[]): Uint8Array;
/** Files of a tree of tiles by name. */
export const TREE: ReadonlyMap<string, Uint8Array>;
