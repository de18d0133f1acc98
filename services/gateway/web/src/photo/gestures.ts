import type { Point } from './zooming';

export interface Enlarged {
  /** Whether it is enlarged, so that dragging moves it and no swipe steps. */
  readonly isZoomed: boolean;
  /** Enlarges by a factor around a point of the stage. */
  zoomBy(factor: number, at: Point): void;
  /** By pixels of the stage. */
  panBy(dx: number, dy: number): void;
}

/** What pointers, wheel and touches over the stage ask for. */
export interface GestureActions {
  /** Whether dragging looks around: with a mouse, two fingers, or one that was held. A swipe steps at all times. */
  looksAround(): boolean;
  /** By parts of the stage's width. */
  orbit(dx: number, dy: number): void;
  dolly(amount: number): void;
  /** What can be enlarged while nothing is looked around in. */
  picture?: Enlarged;
  /** Two taps, which are no tap: where, in pixels of the stage. */
  twice(at: Point): void;
  swipe(direction: 1 | -1): void;
  /** touch: of a finger, not of a mouse. */
  tap(touch: boolean): void;
}

const WHEEL_STEP = 0.0011;
const WHEEL_MOST = 0.12;
const PINCH_GAIN = 0.9;
/** A turn of the wheel enlarges by e to this power for each of its pixels. */
const WHEEL_ZOOM = 0.0022;
/** A tap counts once it is clear that it is not the first of two. */
const DOUBLE_TAP_MS = 280;
const TAP_PX = 9;
const SWIPE_PX = 56;
/** A finger that rested this long looks around. */
const HELD_MS = 260;

/** Follows pointers on `stage`. */
export function followGestures(stage: HTMLElement, actions: GestureActions): void {
  const pointers = new Map<number, Point>();
  let start: Point = { x: 0, y: 0 };
  let multi = false;
  let tapped = 0;
  let touchedAt = 0;
  let looking = false;

  const spread = () => {
    const [a, b] = [...pointers.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };

  const tap = (touch: boolean, at: Point) => {
    const isSecond = tapped !== 0;
    window.clearTimeout(tapped);
    tapped = 0;
    if (isSecond) return actions.twice(at);
    tapped = window.setTimeout(() => {
      tapped = 0;
      actions.tap(touch);
    }, DOUBLE_TAP_MS);
  };

  stage.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    multi = pointers.size > 1;
    if (multi) return;
    start = { x: event.clientX, y: event.clientY };
    touchedAt = event.timeStamp;
    looking = event.pointerType !== 'touch';
  });

  stage.addEventListener('pointermove', (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const apart = spread();
    const now = { x: event.clientX, y: event.clientY };
    pointers.set(event.pointerId, now);
    if (!actions.looksAround()) {
      const by = pointers.size === 2 ? 2 : 1; // each of two fingers moves what lies between them by half
      if (pointers.size === 2 && apart > 0)
        actions.picture?.zoomBy(spread() / apart, within(stage, middleOf(pointers)));
      if (pointers.size === 2 || actions.picture?.isZoomed)
        actions.picture?.panBy((now.x - before.x) / by, (now.y - before.y) / by);
      return;
    }
    const width = stage.clientWidth || 1;
    if (pointers.size === 2 && apart > 0) {
      actions.dolly((1 - apart / Math.max(spread(), 1)) * PINCH_GAIN);
      // Each of two fingers moves what lies between them by half.
      actions.orbit((now.x - before.x) / 2 / width, (now.y - before.y) / 2 / width);
      return;
    }
    const near = Math.hypot(now.x - start.x, now.y - start.y) < TAP_PX;
    if (near && event.timeStamp - touchedAt > HELD_MS) looking = true;
    if (pointers.size === 1 && looking) {
      actions.orbit((now.x - before.x) / width, (now.y - before.y) / width);
    }
  });

  const end = (event: PointerEvent) => {
    if (!pointers.delete(event.pointerId) || multi || event.type === 'pointercancel') return;
    const dx = event.clientX - start.x;
    const dy = event.clientY - start.y;
    if (Math.hypot(dx, dy) < TAP_PX) {
      tap(event.pointerType === 'touch', within(stage, start));
      return;
    }
    const sideways = Math.abs(dx) > SWIPE_PX && Math.abs(dx) > 1.5 * Math.abs(dy);
    const isSwipe = event.pointerType === 'touch' && sideways;
    if (isSwipe && !actions.picture?.isZoomed && !(looking && actions.looksAround())) {
      actions.swipe(dx < 0 ? 1 : -1);
    }
  };
  stage.addEventListener('pointerup', end);
  stage.addEventListener('pointercancel', end);
  followWheel(stage, actions);
}

function followWheel(stage: HTMLElement, actions: GestureActions): void {
  const turn = (event: WheelEvent) => {
    if (!actions.looksAround() && !actions.picture) return;
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
    if (!actions.looksAround()) {
      const at = within(stage, { x: event.clientX, y: event.clientY });
      actions.picture?.zoomBy(Math.exp(-event.deltaY * pixels * WHEEL_ZOOM), at);
      return;
    }
    const amount = -event.deltaY * pixels * WHEEL_STEP;
    actions.dolly(Math.min(Math.max(amount, -WHEEL_MOST), WHEEL_MOST));
  };
  stage.addEventListener('wheel', turn, { passive: false });
}

function within(stage: HTMLElement, { x, y }: Point): Point {
  const { left, top } = stage.getBoundingClientRect();
  return { x: x - left, y: y - top };
}

function middleOf(pointers: Map<number, Point>): Point {
  const all = [...pointers.values()];
  const mean = (of: (point: Point) => number) =>
    all.reduce((sum, point) => sum + of(point), 0) / Math.max(all.length, 1);
  return { x: mean(({ x }) => x), y: mean(({ y }) => y) };
}
