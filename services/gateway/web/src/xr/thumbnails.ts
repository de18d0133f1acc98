import * as THREE from 'three';
import { isActive, jobToShow } from '../store';
import type { IconName } from '../ui/icons';
import { clockWords, percent } from '../ui/words';
import { drawIcon } from './panelDrawing';
import { Places } from './places';
import type { Card } from './sources';
import { texts } from './texts';
import { MOST_PICTURES } from './wallLayout';

/** Pixels of one thumbnail: what a headset of 25 pixels a degree shows of a tile on the wall. */
export const TILE = { width: 320, height: 240 };
const LAYERS = MOST_PICTURES;
const AT_A_TIME = 6;
/** Reading a canvas back takes a millisecond or two. */
const DRAWN_PER_FRAME = 2;
const TEXT = 22;
/** Of the cube where depth was guessed: such a photo is no place to enter. */
const ROUGH = 'rgba(255, 255, 255, 0.4)';
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

interface Waiting {
  key: string;
  card: Card;
  image: HTMLImageElement | null;
}

/**
 * The pictures of the wall, as the layers of one texture: what is seen has a layer, what was seen longest ago gives its
 * own away. Badges are drawn into them.
 */
export class Thumbnails {
  readonly texture: THREE.DataArrayTexture;
  private readonly data = new Uint8Array(TILE.width * TILE.height * 4 * LAYERS);
  private readonly canvas = document.createElement('canvas');
  private readonly context: CanvasRenderingContext2D | null;
  private readonly places = new Places(LAYERS);
  private readonly loading = new Map<string, HTMLImageElement>();
  private ready: Waiting[] = [];

  constructor() {
    this.texture = new THREE.DataArrayTexture(this.data, TILE.width, TILE.height, LAYERS);
    this.texture.format = THREE.RGBAFormat;
    this.texture.colorSpace = THREE.NoColorSpace;
    this.texture.minFilter = this.texture.magFilter = THREE.LinearFilter;
    this.texture.needsUpdate = true;
    this.canvas.width = TILE.width;
    this.canvas.height = TILE.height;
    this.context = this.canvas.getContext('2d', { willReadFrequently: true });
  }

  /** The layer of a card's picture, or -1 while it is not there; it is fetched where there is room. */
  layerOf(card: Card): number {
    const key = keyOf(card);
    const layer = this.places.find(key);
    if (layer >= 0) return layer;
    if (!this.loading.has(key) && this.loading.size < AT_A_TIME) this.load(key, card);
    return -1;
  }

  /** Draws some of what has come; true where something changed. */
  step(): boolean {
    const now = this.ready.splice(0, DRAWN_PER_FRAME);
    for (const one of now) this.store(one);
    return now.length > 0;
  }

  /** Gives up what is on its way and is not seen any more. */
  keep(cards: Card[]): void {
    const seen = new Set(cards.map(keyOf));
    for (const [key, image] of this.loading) {
      if (seen.has(key)) continue;
      image.onload = image.onerror = null;
      image.src = '';
      this.loading.delete(key);
    }
  }

  /** The device has forgotten them all. */
  restore(): void {
    this.texture.clearLayerUpdates();
    this.texture.needsUpdate = true;
  }

  dispose(): void {
    this.keep([]);
    this.ready = [];
    this.texture.dispose();
  }

  private load(key: string, card: Card): void {
    if (!card.picture) {
      this.ready.push({ key, card, image: null });
      this.loading.set(key, new Image());
      return;
    }
    const image = new Image();
    this.loading.set(key, image);
    image.onload = () => this.ready.push({ key, card, image });
    image.onerror = () => this.ready.push({ key, card, image: null });
    image.src = card.picture;
  }

  private store({ key, card, image }: Waiting): void {
    if (!this.loading.delete(key)) return;
    const context = this.context;
    if (!context) return;
    drawCard(context, card, image);
    const { data } = context.getImageData(0, 0, TILE.width, TILE.height);
    const layer = this.places.take(key);
    this.data.set(data, layer * data.length);
    this.texture.addLayerUpdate(layer);
    this.texture.needsUpdate = true;
  }
}

/** Changes with everything that a card shows. */
export function keyOf(card: Card): string {
  if (card.kind !== 'item') return `${card.id} ${card.name} ${card.facts}`;
  const { item } = card;
  const job = jobToShow(item);
  const made = Object.keys(item.badges).filter((kind) => item.badges[kind]);
  const work = job
    ? `${job.state} ${isActive(job) ? Math.round((percent(job) ?? 0) / 10) : ''}`
    : '';
  return `${item.id} ${item.version ?? ''} ${made.join()} ${item.rough ? 'rough' : ''} ${work}`;
}

function drawCard(
  context: CanvasRenderingContext2D,
  card: Card,
  image: HTMLImageElement | null,
): void {
  const { width, height } = TILE;
  context.fillStyle = '#262b3a';
  context.fillRect(0, 0, width, height);
  if (image?.naturalWidth) {
    const scale = Math.max(width / image.naturalWidth, height / image.naturalHeight);
    const [w, h] = [image.naturalWidth * scale, image.naturalHeight * scale];
    context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
  } else if (card.kind === 'item') drawWords(context, card.item.name || texts.photo.broken, '');
  else drawIcon(context, iconOf(card), { left: 125, top: 60, width: 70, height: 70 }, '#8d97b5');
  if (card.kind !== 'item') drawWords(context, card.name, card.facts);
  else drawBadges(context, card);
}

function iconOf({ kind, id }: Card): IconName {
  if (kind === 'scene') return 'cube';
  return id.startsWith('people') ? 'people' : 'album';
}

function drawWords(context: CanvasRenderingContext2D, name: string, facts: string): void {
  const { width, height } = TILE;
  const shade = context.createLinearGradient(0, height - 90, 0, height);
  shade.addColorStop(0, 'rgba(10, 12, 20, 0)');
  shade.addColorStop(1, 'rgba(10, 12, 20, 0.85)');
  context.fillStyle = shade;
  context.fillRect(0, height - 90, width, 90);
  context.fillStyle = '#fff';
  context.textAlign = 'left';
  context.textBaseline = 'alphabetic';
  context.font = `600 ${TEXT + 2}px ${FONT}`;
  context.fillText(name, 14, height - (facts ? 40 : 16), width - 28);
  context.font = `400 ${TEXT}px ${FONT}`;
  context.fillText(facts, 14, height - 13, width - 28);
}

function drawBadges(context: CanvasRenderingContext2D, { item }: Card & { kind: 'item' }): void {
  const { width, height } = TILE;
  const deep = item.badges.splat || item.badges['depth-video'];
  if (deep) {
    context.fillStyle = 'rgba(14, 16, 26, 0.72)';
    context.beginPath();
    context.roundRect(width - 48, 10, 38, 38, 10);
    context.fill();
    const colour = item.rough ? ROUGH : '#fff';
    drawIcon(context, 'cube', { left: width - 43, top: 15, width: 28, height: 28 }, colour);
  }
  if (item.kind === 'video') {
    const words = item.duration_s === null ? '▶' : `▶ ${clockWords(item.duration_s)}`;
    context.font = `600 ${TEXT}px ${FONT}`;
    const wide = context.measureText(words).width + 20;
    context.fillStyle = 'rgba(14, 16, 26, 0.72)';
    context.beginPath();
    context.roundRect(10, 10, wide, 36, 10);
    context.fill();
    context.fillStyle = '#fff';
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    context.fillText(words, 20, 29);
  }
  const job = jobToShow(item);
  if (!isActive(job)) return;
  context.fillStyle = 'rgba(14, 16, 26, 0.6)';
  context.fillRect(0, height - 12, width, 12);
  context.fillStyle = '#9db4ff';
  context.fillRect(0, height - 12, (width * Math.max(percent(job) ?? 0, 4)) / 100, 12);
}
