import { toggleFullscreen } from './fullscreen';
import { followGestures } from './gestures';
import { actOnKey } from './keys';
import type { Stage } from './stage';

/** What keys and fingers ask for beside what they do to the picture. */
interface Deeds {
  isOpen(): boolean;
  leave(): void;
  step(direction: 1 | -1): void;
  tilt(): void;
  info(): void;
  downloads(): void;
  clip(): void;
  figures(): void;
  /** A finger touched the picture, and did nothing more. */
  tapped(): void;
  /** A key did something. */
  acted(): void;
}

/** Has keys, fingers and the mouse act on the photo that is open. */
export function followInput(stage: Stage, deeds: Deeds): void {
  const { steering } = stage;
  followGestures(stage.element, {
    looksAround: () => steering.looksAround,
    orbit: (dx, dy) => steering.orbitBy(dx, dy),
    dolly: (amount) => steering.dollyBy(amount),
    picture: stage.flat,
    twice: (at) => (steering.looksAround ? steering.reset() : stage.flat.toggleZoom(at)),
    swipe: (direction) => deeds.step(direction),
    tap: (touch) => touch && deeds.tapped(),
  });
  document.addEventListener('keydown', (event) => {
    const isOver = event.defaultPrevented || document.querySelector('dialog[open]') !== null;
    if (!deeds.isOpen() || isOver || isTyped(event)) return;
    const isDone = actOnKey(event, {
      leave: deeds.leave,
      step: deeds.step,
      choose: (mode) => {
        if (mode === 'flat' || stage.available(mode)) stage.choose(mode);
      },
      orbit: (dx, dy) => steering.orbitBy(dx, dy),
      dolly: (amount) => steering.comeCloser(amount),
      reset: () => steering.reset(),
      motion: () => stage.toggleMotion(),
      tilt: deeds.tilt,
      info: deeds.info,
      downloads: deeds.downloads,
      clip: deeds.clip,
      fullscreen: () => void toggleFullscreen(),
      figures: deeds.figures,
    });
    if (!isDone) return;
    event.preventDefault();
    deeds.acted();
  });
}

const isTyped = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement && target.matches('input, select');
