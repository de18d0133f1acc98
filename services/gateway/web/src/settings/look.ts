import type { GallerySettings, MySettings } from '../api/schema';

export type SplatQuality = 'light' | 'medium' | 'full';

/** How the viewer looks, with nothing left open. */
export interface Look {
  adjacentPhotosCount: number;
  /** Seconds that cross-fades take. */
  animationDuration: number;
  gaussianSplat: { enabled: boolean; defaultQuality: SplatQuality; formats: string[] };
  parallaxIntensity: number;
  thumbnailSize: number;
  rowWidth: number;
  backgroundColor: string;
}

/** What counts where neither a person nor the server says anything, as on the page of an older one. */
export const USUAL: Look = {
  adjacentPhotosCount: 2,
  animationDuration: 0.5,
  gaussianSplat: { enabled: true, defaultQuality: 'medium', formats: ['spz', 'splat', 'ksplat'] },
  parallaxIntensity: 0.1,
  thumbnailSize: 1,
  rowWidth: 8,
  backgroundColor: '#000000',
};

type Told = GallerySettings | null | undefined;

/** A person's settings over the server's, over the usual ones. */
export function lookOf(mine: MySettings | null, server: Told): Look {
  const layers = [mine?.gallery, server].filter((one) => one !== null && one !== undefined);
  const pick = <K extends Exclude<keyof Look, 'gaussianSplat'>>(name: K): Look[K] => {
    const set = layers
      .map((one) => one[name])
      .find((value) => value !== null && value !== undefined);
    return (set ?? USUAL[name]) as Look[K];
  };
  const splats = layers.map((one) => one.gaussianSplat ?? {});
  const ofSplats = <K extends keyof Look['gaussianSplat']>(name: K): Look['gaussianSplat'][K] => {
    const set = splats
      .map((one) => one[name])
      .find((value) => value !== null && value !== undefined);
    return (set ?? USUAL.gaussianSplat[name]) as Look['gaussianSplat'][K];
  };
  return {
    adjacentPhotosCount: pick('adjacentPhotosCount'),
    animationDuration: pick('animationDuration'),
    gaussianSplat: {
      enabled: ofSplats('enabled'),
      defaultQuality: ofSplats('defaultQuality'),
      formats: ofSplats('formats'),
    },
    parallaxIntensity: pick('parallaxIntensity'),
    thumbnailSize: pick('thumbnailSize'),
    rowWidth: pick('rowWidth'),
    backgroundColor: pick('backgroundColor'),
  };
}

/** How far one may lean, by what an asset's depth bears; the usual intensity is 1. */
export const leanFactor = ({ parallaxIntensity }: Look): number =>
  Math.min(parallaxIntensity / USUAL.parallaxIntensity, 3);
