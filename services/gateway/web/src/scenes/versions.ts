import type { Asset, SceneDetails } from '../api/schema';
import { catalogue, texts } from '../texts';
import { decimals } from '../texts/language';

const t = texts.scenes;

/** Ways to fill, as they are offered: the value, and its words. */
export const FILLING = Object.entries(t.fillings);

const BETWEEN = '-inpainted-';

/** Whether something missing was filled in it. */
export const isFilled = ({ model_key }: Pick<Asset, 'model_key'>): boolean =>
  model_key.includes(BETWEEN);

/** The model that made it, before anything was filled. */
export const madeBefore = (modelKey: string): string => modelKey.split(BETWEEN)[0] ?? modelKey;

/** What of a scene can be looked at: its splats, or its points where those are all there is. */
export function versionsOf(assets: readonly Asset[]): Asset[] {
  const splats = assets.filter(({ kind }) => kind === 'splat');
  return splats.length > 0 ? splats : assets.filter(({ kind }) => kind === 'points');
}

/** How one version differs from the others, in words. */
export function versionWords({ kind, model_key }: Pick<Asset, 'kind' | 'model_key'>): string {
  if (kind === 'points') return t.points;
  const [made = '', ...methods] = model_key.split(BETWEEN);
  const named = methods.map((method) => t.fillings[method] ?? method);
  const origin = made === 'cloud' ? t.elsewhere : t.asMade;
  if (named.length === 0) return origin;
  return (made === 'cloud' ? t.filledElsewhere : t.filledBy)(named.join(', '));
}

/** What a scene was made of, and how good it is, in words. */
export function factsOf({ assets, cameras, dropped, metrics }: SceneDetails): string {
  const { psnr, ssim } = metrics as { psnr?: number; ssim?: number };
  return [
    t.pictures(cameras.length),
    dropped.length > 0 &&
      t.leftOut(dropped.length, catalogue.told(String(dropped[0]?.reason ?? ''))),
    psnr ? t.metrics(decimals(psnr, 1), decimals(ssim ?? 0, 2)) : '',
    assets.some(({ outdated }) => outdated) && t.outdated,
  ]
    .filter(Boolean)
    .join(' · ');
}
