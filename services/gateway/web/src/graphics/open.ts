import { graphics, inTime } from './backend';
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
    const device = await openDevice();
    if (!device) return null;
    const surface = await WebGpuSurface.open(canvas, device, (why) => {
      graphics.giveUp(why);
      gone();
    });
    return unlessGivenUp({ surface, cloudOf: pointsByNodes(), layerOf: layerByNodes });
  } catch {
    // No part of the viewer, no device: whatever it was, the other way is there.
    graphics.giveUp('failed');
    return null;
  }
}

/** What draws by WebGPU, or null where that was given up while something else was waited for. */
export function unlessGivenUp(drawing: Drawing | null): Drawing | null {
  if (graphics.choice?.backend === 'webgpu') return drawing;
  drawing?.surface.dispose();
  return null;
}

/** A device of its own; null where it does not come in time, and is not waited for again. */
async function openDevice(): Promise<GPUDevice | null> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new TypeError('there is nothing to draw with by WebGPU');
  // By default a buffer holds some 22 million points, whatever the device could take.
  const { maxBufferSize } = adapter.limits;
  const coming = adapter.requestDevice({ requiredLimits: { maxBufferSize } });
  const device = await (graphics.choice?.why === 'asked' ? coming : inTime(coming));
  if (device) return device;
  graphics.giveUp('late');
  coming.then(
    (late) => late.destroy(),
    () => {},
  );
  return null;
}
