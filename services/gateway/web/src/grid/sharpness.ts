import type { Box } from './layout';

/** Up to so many device pixels the library's thumbnail looks sharp; beyond, its preview is worth its bytes. */
const SHARP = {
  /** 512 on the longer side. */
  folder: ({ width, height }: Sides, pixels: number) => Math.max(width, height) * pixels <= 768,
  /** Immich's have 250 on the shorter side. */
  immich: ({ width, height }: Sides, pixels: number) => Math.min(width, height) * pixels <= 500,
};

type Sides = Pick<Box, 'width' | 'height'>;

/** Whether a tile of this size, in CSS pixels, wants a larger picture than the thumbnail. */
export function wantsLarger(box: Sides, pixelRatio: number, library: 'folder' | 'immich'): boolean {
  return !SHARP[library](box, pixelRatio);
}
