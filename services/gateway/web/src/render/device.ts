/** What this device and this visit allow. Read once, cheap, without loading a renderer. */

const SMALL_SCREEN = '(pointer: coarse) and (max-width: 900px)';
const LITTLE_MEMORY_GB = 4;
const MOTION_KEY = 'immichvr.motion';

interface NavigatorHints extends Navigator {
  deviceMemory?: number;
  connection?: { saveData?: boolean; effectiveType?: string };
}

/** `?budget=N`: at most N splats on screen, for weak devices and software rendering. */
export function budgetOf(search: string): number | null {
  const value = Number(new URLSearchParams(search).get('budget'));
  return Number.isFinite(value) && value >= 1 ? Math.floor(value) : null;
}

/** Whether the smaller variant of a splat serves this device better. */
export function prefersLight(budget: number | null): boolean {
  const { deviceMemory, connection } = navigator as NavigatorHints;
  return (
    budget !== null ||
    matchMedia(SMALL_SCREEN).matches ||
    connection?.saveData === true ||
    (deviceMemory !== undefined && deviceMemory < LITTLE_MEMORY_GB)
  );
}

export const prefersStillness = (): boolean =>
  matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Whether idle motion is wanted: never against the system's setting, `?motion=0`, or the button. */
export function wantsMotion(): boolean {
  const off = new URLSearchParams(location.search).get('motion') === '0';
  return !off && !prefersStillness() && localStorage.getItem(MOTION_KEY) !== 'off';
}

export function rememberMotion(on: boolean): void {
  localStorage.setItem(MOTION_KEY, on ? 'on' : 'off');
}

/** Whether data comes fast and costs nothing, as far as the browser tells: what may be needed can be read before it is. */
export function isOnFastLink(): boolean {
  const { connection } = navigator as NavigatorHints;
  return connection?.saveData !== true && (connection?.effectiveType ?? '4g') === '4g';
}

let webGl: boolean | null = null;

/** Whether there is WebGL here. Asked once: a device takes its time to be made, also to be thrown away. */
export function hasWebGl(): boolean {
  webGl ??= asksForWebGl();
  return webGl;
}

function asksForWebGl(): boolean {
  const context = document.createElement('canvas').getContext('webgl2');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}
