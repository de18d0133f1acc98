import type { Asset, SceneDetails } from '../api/schema';

/** Ways to fill, as they are offered. */
export const FILLING = [
  ['', 'As the server prefers'],
  ['fill', 'Carry on what is beside it'],
  ['lama', 'LaMa'],
  ['reference', 'One view, then the others'],
  ['joint-multiview', 'All views together'],
  ['individual', 'Each view by itself'],
] as const;

const BETWEEN = '-inpainted-';

/** What of a scene can be looked at: its splats, or its points where those are all there is. */
export function versionsOf(assets: readonly Asset[]): Asset[] {
  const splats = assets.filter(({ kind }) => kind === 'splat');
  return splats.length > 0 ? splats : assets.filter(({ kind }) => kind === 'points');
}

/** How one version differs from the others, in words. */
export function versionWords({ kind, model_key }: Pick<Asset, 'kind' | 'model_key'>): string {
  if (kind === 'points') return 'Its points';
  const [made = '', ...methods] = model_key.split(BETWEEN);
  const named = methods.map((method) => FILLING.find(([key]) => key === method)?.[1] ?? method);
  const origin = made === 'cloud' ? 'Trained elsewhere' : 'As it was made';
  if (named.length === 0) return origin;
  return `Filled: ${named.join(', ')}${made === 'cloud' ? ` (${origin.toLowerCase()})` : ''}`;
}

/** What a scene was made of, and how good it is, in words. */
export function factsOf({ cameras, dropped, metrics }: SceneDetails): string {
  const { psnr, ssim } = metrics as { psnr?: number; ssim?: number };
  return [
    `${cameras.length} pictures`,
    dropped.length > 0 && `${dropped.length} left out: ${String(dropped[0]?.reason ?? '')}`,
    psnr
      ? `${psnr.toFixed(1)} dB, SSIM ${(ssim ?? 0).toFixed(2)} on pictures that were held out`
      : '',
  ]
    .filter(Boolean)
    .join(' · ');
}
