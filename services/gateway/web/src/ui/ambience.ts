/** Widths it is enlarged through, each smoothing what was there: the first decides how soft it is. */
const WIDTHS = [12, 24, 48, 96] as const;
const ASPECT = 2 / 3;
const DARKNESS = 'rgb(0 0 0 / 66%)';

/**
 * Paints a soft, dark echo of a picture, to fill what that leaves free. As a picture of its own: by a filter of the
 * page the whole window would be blurred anew with every frame that anything in it changes.
 */
export function paintAmbience(
  canvas: HTMLCanvasElement,
  picture: HTMLImageElement | HTMLVideoElement,
): void {
  const [first, ...larger] = WIDTHS;
  canvas.width = WIDTHS[WIDTHS.length - 1] as number;
  canvas.height = canvas.width * ASPECT;
  const context = canvas.getContext('2d');
  if (!context) return;
  context.filter = 'saturate(1.15)';
  context.drawImage(picture, 0, 0, first, first * ASPECT);
  context.filter = 'none';
  for (const width of larger) {
    const [from, to] = [width / 2, width];
    context.drawImage(canvas, 0, 0, from, from * ASPECT, 0, 0, to, to * ASPECT);
  }
  context.fillStyle = DARKNESS;
  context.fillRect(0, 0, canvas.width, canvas.height);
}
