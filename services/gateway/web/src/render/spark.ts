import { SparkRenderer } from '@sparkjsdev/spark';
import type * as THREE from 'three';

/**
 * Variance in CSS pixels added to every splat without making it fainter, as in the original 3DGS.
 * Spark's default fades splats by as much as it widens them: one splat per pixel is then
 * see-through. A lifted photo at rest came 5 dB closer to the photo with this.
 */
const DILATION = 0.3;

/** Spark as splats of photos are to be drawn. budget: at most so many splats, or null for as many as there are. */
export function makeSpark(
  renderer: THREE.WebGLRenderer,
  onDirty: () => void,
  budget: number | null = null,
): SparkRenderer {
  const limit = budget ? { lodSplatCount: budget } : {};
  const spark = new SparkRenderer({ renderer, onDirty, blurAmount: 0, ...limit });
  dilate(spark, renderer.getPixelRatio());
  return spark;
}

/** Widens splats for this many device pixels for each of the page's. */
export function dilate(spark: SparkRenderer, pixelRatio: number): void {
  spark.preBlurAmount = DILATION * pixelRatio ** 2;
}
