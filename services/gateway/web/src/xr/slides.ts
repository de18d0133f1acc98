/** A photo is looked at so long when they go by by themselves. */
const SLIDE_S = 8;

/** Photos that go by by themselves: each is shown for so long, also one that cannot be shown. */
export class Slides {
  playing = false;
  private shown = 0;

  toggle(): void {
    this.playing = !this.playing;
    this.shown = 0;
  }

  stop(): void {
    this.playing = false;
  }

  /** Another photo comes, however it was asked for. */
  begin(): void {
    this.shown = 0;
  }

  /** Once a frame; still: nothing is on its way. True once, when it is time for the next. */
  step(seconds: number, still: boolean): boolean {
    if (!this.playing || !still) return false;
    this.shown += seconds;
    if (this.shown < SLIDE_S) return false;
    this.shown = 0;
    return true;
  }
}
