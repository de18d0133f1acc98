import { prefersStillness } from '../render/device';
import { texts } from '../texts';
import { type Attitude, attitudeOf, type Held, towards, turnBetween } from './attitude';
import { iconButton } from './chrome';

/** A tilt by this many degrees leans as far as one may. */
const FULL_DEG = 18;
/** A hand is never still: less than this is no tilt. */
const STILL = 0.02;
/** In about this time the way a device is held becomes the one that looks straight ahead. */
const SETTLES_S = 6;
const KEY = 'immichvr.tilt';
const TOUCHES = ['pointerdown', 'pointerup', 'pointercancel'] as const;

interface Permitted {
  requestPermission?(): Promise<'granted' | 'denied'>;
}

/** What of a turn around a device's own axes goes right and up on its screen, in degrees, given how that is turned. */
export function onScreen({ x, y }: { x: number; y: number }, turned: number) {
  const radians = (turned * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return { x: y * cos + x * sin, y: x * cos - y * sin };
}

/** Leans by how a device is tilted from how it is mostly held; each from -1 to 1. */
export class Tilt {
  private straight: Attitude | null = null;
  private told = { x: 0, y: 0 };

  /** Where to lean to now; null where that is where it leans already. */
  follow(held: Held, turned: number, seconds: number): { x: number; y: number } | null {
    const now = attitudeOf(held);
    this.straight ??= now;
    this.straight = towards(this.straight, now, 1 - Math.exp(-seconds / SETTLES_S));
    const { x, y } = onScreen(turnBetween(this.straight, now), turned);
    const lean = { x: partOf(x), y: partOf(y) };
    if (Math.hypot(lean.x - this.told.x, lean.y - this.told.y) < STILL) return null;
    this.told = lean;
    return lean;
  }

  /** How it is held next looks straight ahead; what leans stays so until it is tilted from there. */
  reset(): void {
    this.straight = null;
    this.told = { x: 0, y: 0 };
  }
}

const partOf = (degrees: number): number => Math.min(Math.max(degrees / FULL_DEG, -1), 1);

/** The button that has a photo looked around in by tilting the device, where there is one that can be tilted. */
export class TiltButton {
  readonly element = iconButton('tilt', texts.photo.tilt, 'T', () => void this.toggle());
  private readonly tilt = new Tilt();
  private isOn = false;
  private at = 0;
  private readonly fingers = new Set<number>();

  /** leans: whether there is something to lean in now. */
  constructor(
    private readonly leans: () => boolean,
    private readonly lean: (x: number, y: number) => void,
  ) {
    this.element.classList.add('tilt');
    this.element.hidden = !canTilt();
    const mayBegin = canTilt() && !asksFirst() && !prefersStillness();
    if (mayBegin && localStorage.getItem(KEY) !== 'off') this.set(true);
    this.show();
  }

  async toggle(): Promise<void> {
    if (!canTilt()) return;
    const wanted = !this.isOn;
    if (wanted && asksFirst() && (await permission()) !== 'granted') return;
    localStorage.setItem(KEY, wanted ? 'on' : 'off');
    this.set(wanted);
  }

  private set(on: boolean): void {
    this.isOn = on;
    this.tilt.reset();
    if (on) {
      window.addEventListener('deviceorientation', this.follow);
      for (const name of TOUCHES) window.addEventListener(name, this.touch, { capture: true });
    } else {
      window.removeEventListener('deviceorientation', this.follow);
      for (const name of TOUCHES) window.removeEventListener(name, this.touch, { capture: true });
      this.fingers.clear();
      this.lean(0, 0);
    }
    this.show();
  }

  private readonly follow = ({ alpha, beta, gamma, timeStamp }: DeviceOrientationEvent): void => {
    if (beta === null || gamma === null || !this.leans()) return;
    if (this.fingers.size > 0) {
      // What is held by then looks straight ahead.
      this.tilt.reset();
      return;
    }
    const seconds = this.at ? Math.min((timeStamp - this.at) / 1000, 1) : 0;
    this.at = timeStamp;
    const lean = this.tilt.follow({ alpha, beta, gamma }, screen.orientation?.angle ?? 0, seconds);
    // The eye moves against the screen that is turned away from it.
    if (lean) this.lean(-lean.x, lean.y);
  };

  /** A finger that drags leans; tilting waits until it is lifted. */
  private readonly touch = ({ type, pointerId }: PointerEvent): void => {
    if (type === 'pointerdown') this.fingers.add(pointerId);
    else this.fingers.delete(pointerId);
  };

  private show(): void {
    this.element.setAttribute('aria-pressed', String(this.isOn));
  }
}

const canTilt = (): boolean =>
  'DeviceOrientationEvent' in window && matchMedia('(pointer: coarse)').matches;

const events = (): Permitted => DeviceOrientationEvent as unknown as Permitted;

/** iOS asks before it tells how it is held, and only after a press. */
const asksFirst = (): boolean => typeof events().requestPermission === 'function';

async function permission(): Promise<string> {
  return (
    (await events()
      .requestPermission?.()
      .catch(() => 'denied')) ?? 'denied'
  );
}
