import { texts } from '../texts';

const words = texts.vr.door;

export type XrSystem = Pick<XRSystem, 'isSessionSupported' | 'requestSession'>;

/** What decides whether this browser can show VR. */
export interface Surroundings {
  secure: boolean;
  xr: XrSystem | undefined;
  webgl: boolean;
}

/** Why VR is not possible here, in one sentence; null where it is. */
export async function reasonAgainst({ secure, xr, webgl }: Surroundings): Promise<string | null> {
  if (!secure) return words.insecure;
  if (!xr) return words.noXr;
  if (!webgl) return words.noWebGl;
  try {
    return (await xr.isSessionSupported('immersive-vr')) ? null : words.noHeadset;
  } catch {
    // As where a page that embeds this one has not allowed it.
    return words.forbidden;
  }
}
