import { graphics } from './backend';
import type { Drawing } from './surface';

/**
 * Draws on this canvas by WebGPU, where that was chosen; null where WebGL 2 draws. gone: nothing is drawn there any
 * more, and WebGL 2 draws from now on.
 */
export async function openWebGpu(
  canvas: HTMLCanvasElement,
  gone: () => void,
): Promise<Drawing | null> {
  if ((await graphics.choose()).backend !== 'webgpu') return null;
  try {
    const { WebGpuSurface, layerByNodes, pointsByNodes } = await import('./webgpu');
    const surface = await WebGpuSurface.open(canvas, (why) => {
      graphics.giveUp(why);
      gone();
    });
    if (graphics.choice?.backend === 'webgpu')
      return { surface, cloudOf: pointsByNodes(), layerOf: layerByNodes };
    surface.dispose();
  } catch {
    // No part of the viewer, no device: whatever it was, the other way is there.
    graphics.giveUp('failed');
  }
  return null;
}
