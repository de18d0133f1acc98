import type { IconName } from '../ui/icons';

/** What a panel shows, from top to bottom. */
export type Row =
  | { kind: 'title' | 'text'; text: string }
  | { kind: 'buttons'; buttons: Button[] }
  | { kind: 'progress'; value: number | null; text: string }
  | { kind: 'scrub'; id: string; value: number; text: string; picture?: Glimpse | null };

export interface Button {
  id: string;
  label: string;
  icon?: IconName;
  pressed?: boolean;
  disabled?: boolean;
}

/** A part of an image, as of a strip of thumbnails: x, y, width, height in its pixels. */
export interface Glimpse {
  image: CanvasImageSource;
  part: [number, number, number, number];
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Placed extends Box {
  row: Row;
  button?: Button;
}

/** Sizes of a panel: width of it, and how high its text is, in metres. */
export interface PanelSize {
  width: number;
  text: number;
}

const PADDING = 0.9;
const GAP = 0.45;
/** Heights of rows, and of what is pressed, by that of text; a hand that points is no mouse. */
const HEIGHTS = { title: 1.7, text: 1.35, buttons: 2.7, progress: 2.3, scrub: 3 };
/** Of the text's height, what a letter is wide on average. */
const LETTER = 0.5;

/** How many lines a text takes. */
export function linesOf(text: string, width: number, height: number): string[] {
  const most = Math.max(8, Math.floor(width / (height * LETTER)));
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line ? `${line} ${word}` : word;
    if (longer.length > most && line) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return line ? [...lines, line] : lines;
}

/** Puts rows below one another; everything in metres from the panel's top left. */
export function layPanel(
  rows: Row[],
  { width, text }: PanelSize,
): { height: number; placed: Placed[] } {
  const inner = width - 2 * PADDING * text;
  const left = PADDING * text;
  const placed: Placed[] = [];
  let top = PADDING * text;
  for (const row of rows) {
    const height = heightOf(row, inner, text);
    if (row.kind === 'buttons') {
      const gap = GAP * text;
      const each = (inner - gap * (row.buttons.length - 1)) / row.buttons.length;
      row.buttons.forEach((button, i) => {
        placed.push({ row, button, left: left + i * (each + gap), top, width: each, height });
      });
    } else placed.push({ row, left, top, width: inner, height });
    top += height + GAP * text;
  }
  return { height: top - GAP * text + PADDING * text, placed };
}

function heightOf(row: Row, width: number, text: number): number {
  const height = HEIGHTS[row.kind] * text;
  return row.kind === 'text' ? height * Math.max(1, linesOf(row.text, width, text).length) : height;
}

/** What lies at a place of a panel; for what is scrubbed, where in it from 0 to 1. */
export function placedAt(
  placed: Placed[],
  x: number,
  y: number,
): { item: Placed; part: number } | null {
  for (const item of placed) {
    const isPressed = item.button ? !item.button.disabled : item.row.kind === 'scrub';
    const [dx, dy] = [x - item.left, y - item.top];
    if (isPressed && dx >= 0 && dy >= 0 && dx <= item.width && dy <= item.height)
      return { item, part: dx / item.width };
  }
  return null;
}
