import type { Asset, SourceCamera } from '../api/schema';
import type { DepthSource } from '../render/depth';
import { fileOfRole } from './modes';

/** Where nobody told how near and far the depth reaches. */
const UNTOLD = { near: 1, far: 100 };

/** The pictures of a photo with depth, each got by `read`; null where it has none. */
export async function depthOf(
  colour: HTMLImageElement | Promise<HTMLImageElement>,
  asset: Asset,
  camera: SourceCamera,
  read: (path: string) => Promise<HTMLImageElement>,
): Promise<DepthSource | null> {
  const pictureOf = (role: string) => {
    const file = fileOfRole(asset, role);
    return file ? read(file.url) : null;
  };
  const [disparity, background, backgroundDisparity, image] = await Promise.all([
    pictureOf('disparity'),
    pictureOf('background'),
    pictureOf('background-disparity'),
    colour,
  ]);
  if (!disparity) return null;
  const { near, far } = asset.depth ?? UNTOLD;
  return { colour: image, disparity, background, backgroundDisparity, near, far, camera };
}
