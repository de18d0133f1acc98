import { iconPath } from '../ui/icons';
import { type Box, type Button, type Glimpse, linesOf, type Placed } from './panelLayout';

export const COLOURS = {
  ground: 'rgba(22, 24, 32, 0.94)',
  edge: 'rgba(255, 255, 255, 0.12)',
  text: '#f2f4fa',
  quiet: '#b6bccb',
  button: 'rgba(255, 255, 255, 0.09)',
  hovered: 'rgba(255, 255, 255, 0.24)',
  pressed: '#9db4ff',
  onPressed: '#10131c',
};
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** Draws one thing of a panel; everything in metres. text: how high text is; hovered: the id of what is pointed at. */
export function drawItem(
  context: CanvasRenderingContext2D,
  item: Placed,
  text: number,
  hovered: string,
): void {
  const { row, button } = item;
  if (button) {
    drawButton(context, item, button, text, hovered === button.id);
    return;
  }
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  if (row.kind === 'title') write(context, row.text, item, text * 1.15, COLOURS.text, 600);
  if (row.kind === 'text') {
    const lines = linesOf(row.text, item.width, text);
    const height = item.height / Math.max(1, lines.length);
    lines.forEach((line, i) => {
      const box = { ...item, top: item.top + i * height, height };
      write(context, line, box, text, COLOURS.quiet, 400);
    });
  }
  if (row.kind === 'progress' || row.kind === 'scrub') {
    const upper = { ...item, height: item.height * 0.55 };
    write(context, row.text, upper, text, COLOURS.text, 400);
    const bar = { ...item, top: item.top + item.height * 0.66, height: text * 0.5 };
    const value = Math.min(Math.max(row.value ?? 0, 0), 1);
    const isHovered = row.kind === 'scrub' && hovered === row.id;
    fillRound(context, bar, bar.height / 2, isHovered ? COLOURS.hovered : COLOURS.button);
    fillRound(
      context,
      { ...bar, width: Math.max(bar.height, bar.width * value) },
      bar.height / 2,
      COLOURS.pressed,
    );
  }
  if (row.kind === 'scrub' && row.picture)
    drawGlimpse(context, row.picture, {
      left: item.left + item.width - item.height,
      top: item.top,
      width: item.height,
      height: item.height * 0.6,
    });
}

export function fillRound(
  context: CanvasRenderingContext2D,
  box: Box,
  radius: number,
  colour: string,
): void {
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(box.left, box.top, box.width, box.height, Math.min(radius, box.height / 2));
  context.fill();
}

function write(
  context: CanvasRenderingContext2D,
  text: string,
  { left, top, width, height }: Box,
  size: number,
  colour: string,
  weight: number,
): void {
  // Fonts of less than a pixel are not drawn: their unit is made smaller instead.
  const unit = size / 100;
  context.save();
  context.translate(left, top + height / 2);
  context.scale(unit, unit);
  context.font = `${weight} 100px ${FONT}`;
  context.fillStyle = colour;
  const x = context.textAlign === 'center' ? width / unit / 2 : 0;
  context.fillText(text, x, 4, width / unit);
  context.restore();
}

function drawButton(
  context: CanvasRenderingContext2D,
  box: Box,
  button: Button,
  text: number,
  hovered: boolean,
): void {
  const ground = button.pressed ? COLOURS.pressed : hovered ? COLOURS.hovered : COLOURS.button;
  fillRound(context, box, text * 0.7, ground);
  const colour = button.pressed ? COLOURS.onPressed : COLOURS.text;
  context.globalAlpha = button.disabled ? 0.4 : 1;
  const { icon, label } = button;
  let words: Box = { ...box, left: box.left + text * 0.4, width: box.width - text * 0.8 };
  if (icon) {
    const size = text * 1.3;
    const beside = label !== '';
    const left = beside ? box.left + text * 0.5 : box.left + (box.width - size) / 2;
    drawIcon(
      context,
      icon,
      { left, top: box.top + (box.height - size) / 2, width: size, height: size },
      colour,
    );
    words = { ...words, left: left + size + text * 0.3, width: box.width - size - text * 1.3 };
  }
  context.textBaseline = 'middle';
  context.textAlign = icon ? 'left' : 'center';
  write(context, label, words, text, colour, 500);
  context.globalAlpha = 1;
  context.textAlign = 'left';
}

/** An icon of the page, as it is there: lines on a grid of 24. */
export function drawIcon(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  icon: Parameters<typeof iconPath>[0],
  { left, top, width }: Box,
  colour: string,
): void {
  context.save();
  context.translate(left, top);
  context.scale(width / 24, width / 24);
  context.lineWidth = 1.8;
  context.lineCap = context.lineJoin = 'round';
  context.strokeStyle = colour;
  context.stroke(new Path2D(iconPath(icon)));
  context.restore();
}

function drawGlimpse(context: CanvasRenderingContext2D, { image, part }: Glimpse, box: Box): void {
  const [x, y, width, height] = part;
  const scale = Math.min(box.width / width, box.height / height);
  const [w, h] = [width * scale, height * scale];
  context.drawImage(
    image,
    x,
    y,
    width,
    height,
    box.left + (box.width - w) / 2,
    box.top + (box.height - h) / 2,
    w,
    h,
  );
}
