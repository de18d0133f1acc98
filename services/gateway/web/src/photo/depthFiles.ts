import type { Api } from '../api/client';
import type { Asset } from '../api/schema';
import type { DepthSource } from '../render/depth';
import { assumedCamera } from '../render/framing';
import { fileOfRole } from './modes';

/** The pictures of a photo with depth. Null once `signal` says that nobody wants them. */
export async function depthOf(
  api: Api,
  photoId: string,
  asset: Asset,
  flat: HTMLImageElement,
  signal: AbortSignal,
): Promise<DepthSource | null> {
  const [disparity, background, backgroundDisparity] = await Promise.all([
    pictureOf(api, asset, 'disparity'),
    pictureOf(api, asset, 'background'),
    pictureOf(api, asset, 'background-disparity'),
  ]);
  const colour = new Image();
  colour.src = api.previewUrl(photoId);
  await colour.decode();
  if (signal.aborted) return null;
  if (!disparity) throw new Error('The depth of this photo has no disparity image');
  const { near, far } = asset.depth ?? { near: 1, far: 100 };
  const camera = asset.camera ?? assumedCamera(flat.naturalWidth, flat.naturalHeight);
  return { colour, disparity, background, backgroundDisparity, near, far, camera };
}

async function pictureOf(api: Api, asset: Asset, role: string): Promise<HTMLImageElement | null> {
  const file = fileOfRole(asset, role);
  if (!file) return null;
  const image = new Image();
  image.src = api.url(file.url);
  await image.decode();
  return image;
}
