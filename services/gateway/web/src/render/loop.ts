import type { Fence } from '../graphics/surface';

/**
 * Draws only when something changed, and never ahead of the GPU: the next frame is held back
 * until the last one is done, so that a slow device lags by one frame instead of by hundreds.
 */
export class FrameLoop {
  private scheduled = 0;
  private last = 0;
  private dirty = false;
  private isOver = false;
  private readonly onVisibility = () => {
    if (document.hidden) this.pause();
    else if (this.dirty) this.schedule();
  };

  /** `draw` is given the seconds since the frame before; true asks for another frame. */
  constructor(
    private readonly fence: Fence,
    private readonly draw: (seconds: number) => boolean,
  ) {
    document.addEventListener('visibilitychange', this.onVisibility);
  }

  invalidate(): void {
    if (this.isOver) return;
    this.dirty = true;
    if (!document.hidden) this.schedule();
  }

  dispose(): void {
    this.isOver = true;
    this.pause();
    this.dirty = false;
    document.removeEventListener('visibilitychange', this.onVisibility);
  }

  private pause(): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    this.last = 0;
  }

  private schedule(): void {
    if (this.scheduled === 0) this.scheduled = requestAnimationFrame((now) => this.frame(now));
  }

  private frame(now: number): void {
    this.scheduled = 0;
    if (this.fence.isPending()) {
      this.schedule();
      return;
    }
    const seconds = this.last === 0 ? 0 : (now - this.last) / 1000;
    this.last = now;
    this.dirty = false;
    if (this.draw(seconds)) this.invalidate();
    this.fence.place();
    if (!this.dirty) this.last = 0;
  }
}
