import { rateSeen, stepTo } from './moments';

/** Which frame of a video is shown, and where those beside it are. */
export class Frames {
  /** Frames a second, told or seen, and when each is shown (in seconds), where they are known. */
  fps = 0;
  times: number[] = [];
  private shown = 0;

  /** Another video is shown, of which nothing is known yet. */
  forget(): void {
    this.fps = 0;
    this.times = [];
    this.shown = 0;
    delete document.body.dataset.moment;
  }

  /** The frame of this moment is shown now. */
  tell(seconds: number): void {
    this.shown = seconds;
    document.body.dataset.moment = String(Math.round(seconds * 1000));
  }

  /** Follows the frames of a film as they come. isShown: whether it is this one that is looked at. */
  follow(film: HTMLVideoElement, signal: AbortSignal, isShown: () => boolean): void {
    let before = Number.POSITIVE_INFINITY;
    const next = () =>
      film.requestVideoFrameCallback?.((_, { mediaTime }) => {
        if (signal.aborted) return;
        this.fps = Math.max(this.fps, rateSeen(before, mediaTime, film.paused));
        before = mediaTime;
        if (isShown()) this.tell(mediaTime);
        next();
      });
    next();
  }

  /** The moment of the frame beside the one of a moment or, without one, beside the one that is shown. */
  beside(moment: number | null, direction: 1 | -1): number {
    return stepTo(moment ?? this.shown, direction, this.fps, this.times);
  }
}
