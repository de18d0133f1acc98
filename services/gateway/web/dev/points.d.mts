/** See points.mjs. */
export function glbOf(places: readonly (readonly number[])[]): Uint8Array;
