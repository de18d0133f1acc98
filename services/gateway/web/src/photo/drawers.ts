import type { Leant } from '../render/rig';
import type { Viewport } from '../render/viewport';
import type { DeviceCanvas } from './deviceCanvas';
import type { Ghost } from './ghost';
import type { Mode } from './modes';
import type { RemoteSplat } from './remote';

/** How what is shown next comes about. */
interface Shown {
  mode: Mode;
  isThere: boolean;
  /** For whoever cannot see it. */
  name: string;
}

/** Those who draw what is deep, this device and the server: one of them is seen, and goes on where the other one stood. */
export class Drawers {
  /** Whether the server's picture is what is seen. */
  isShownThere = false;
  private mode: Mode = 'flat';
  /** Where the viewer was when what drew was lost. */
  private stood: Leant | null = null;

  constructor(
    private readonly here: DeviceCanvas,
    private readonly remote: RemoteSplat,
    private readonly ghost: Ghost,
  ) {}

  /** Where the viewer is in what is deep, or was when that was lost; null for nowhere yet. */
  get leant(): Leant | null {
    if (this.mode === 'flat') return this.stood;
    return (this.isShownThere ? this.remote : this.viewport)?.leant ?? null;
  }

  private get viewport(): Viewport | null {
    return this.here.viewport;
  }

  /** Has what this device drew before fade from `opacity`, where this device draws what comes. */
  show({ mode, isThere, name }: Shown, opacity: number, seconds: number): void {
    const from = this.leant;
    const wasHere = this.mode !== 'flat' && !this.isShownThere;
    const next = mode === 'flat' || isThere ? null : mode;
    this.mode = mode;
    this.isShownThere = isThere;
    if (wasHere && next && this.viewport) this.ghost.fade(this.viewport, opacity, seconds);
    this.viewport?.show(next, from);
    this.remote.show(isThere, name, isThere ? from : null);
    this.here.dress(name, isThere);
    if (mode !== 'flat') this.stood = null;
  }

  setSway(sways: boolean): void {
    this.here.setSway(sways);
    this.remote.setSway(sways);
  }

  /** Copies what is seen. */
  copyTo(target: HTMLCanvasElement): void {
    if (this.isShownThere) this.remote.copyTo(target);
    else this.viewport?.copyTo(target);
  }

  /** What was drawn is of a photo that is left. */
  forget(): void {
    this.stood = null;
    this.viewport?.clear();
    this.remote.close();
  }

  /** What this device drew with is gone; where the viewer was is kept. */
  drop(): void {
    this.stood = this.leant;
    this.here.drop();
  }
}
