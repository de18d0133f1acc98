import type { Api } from '../api/client';
import type { AssetFile, SourceCamera } from '../api/schema';
import type { Viewport } from '../render/viewport';

export interface LevelEvents {
  loading: (received: number, total: number) => void;
  /** The level of this file can be seen. Answers whether the next is still wanted. */
  shown: (file: AssetFile) => boolean;
}

/**
 * Shows a splat level after level, as these files hold them. A level that does not load is passed over where another one
 * follows. Throws what the last one failed by, or where there is no file that can be shown.
 */
export async function showLevels(
  api: Pick<Api, 'bytes'>,
  viewport: Viewport,
  files: AssetFile[],
  camera: SourceCamera,
  signal: AbortSignal,
  events: LevelEvents,
): Promise<void> {
  if (!files.length) throw new Error('This result has no file that can be shown here');
  viewport.awaitSplats();
  for (const file of files) {
    try {
      const onBytes = (received: number, total: number) =>
        events.loading(received, total || file.size);
      const bytes = await api.bytes(file.url, onBytes, signal);
      await viewport.setSplats(bytes, file.name, camera, signal);
    } catch (error) {
      if (signal.aborted || file === files.at(-1)) throw error;
      continue;
    }
    if (signal.aborted || !events.shown(file)) return;
  }
}
