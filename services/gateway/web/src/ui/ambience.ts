type Picture = HTMLImageElement | HTMLVideoElement;

/** Widths it is enlarged through, each smoothing what was there: the first decides how soft it is. */
const AMBIENCE = [12, 24, 48, 96] as const;
const SOFT = [64, 128] as const;
const ASPECT = 2 / 3;
const DARKNESS = 'rgb(0 0 0 / 66%)';

/** Paints a soft, dark echo of a picture, to fill what that leaves free. */
export function paintAmbience(canvas: HTMLCanvasElement, picture: Picture): void {
  const context = soften(canvas, picture, AMBIENCE, 'saturate(1.15)');
  if (!context) return;
  context.fillStyle = DARKNESS;
  context.fillRect(0, 0, canvas.width, canvas.height);
}

/** Paints a picture's colours without its details, to lie where the picture does. */
export const paintSoft = (canvas: HTMLCanvasElement, picture: Picture) =>
  soften(canvas, picture, SOFT);

/** As a picture of its own: by a filter of the page it would be blurred anew with every frame that anything changes. */
function soften(
  canvas: HTMLCanvasElement,
  picture: Picture,
  [first, ...larger]: readonly [number, ...number[]],
  filter = 'none',
): CanvasRenderingContext2D | null {
  canvas.width = larger.at(-1) ?? first;
  canvas.height = canvas.width * ASPECT;
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.filter = filter;
  context.drawImage(picture, 0, 0, first, first * ASPECT);
  context.filter = 'none';
  for (const width of larger) {
    const [from, to] = [width / 2, width];
    context.drawImage(canvas, 0, 0, from, from * ASPECT, 0, 0, to, to * ASPECT);
  }
  return context;
}
