import { texts } from '../texts';
import { el } from '../ui/dom';
import { type Cameras, readCameras, UnusableCameras, withCamera } from './cameras';
import type { Offered } from './offered';

const t = texts.scenes.cameras;

/** Where whoever has the cameras of the photos gives them: a file, and what there is in it for what was chosen. */
export class OwnCameras {
  readonly element: HTMLElement;
  private readonly file = el('input', {
    type: 'file',
    name: 'cameras',
    accept: '.json,application/json',
  });
  private readonly words = el('p', { class: 'scene-about', role: 'status' });
  private readonly trouble = el('p', { class: 'scene-trouble', role: 'alert' });
  private readonly forget = el('button', { class: 'button', type: 'button', hidden: true });
  private read: Cameras | null = null;

  constructor(private readonly changed: () => void) {
    this.forget.append(t.forget);
    this.element = el(
      'div',
      { class: 'scene-offer', hidden: true },
      el('label', { class: 'scene-choice' }, t.own, this.file),
      this.words,
      this.trouble,
      this.forget,
    );
    this.file.addEventListener('change', () => void this.take());
    this.forget.addEventListener('click', () => this.clear());
  }

  /** What was read; null without a file that can be used. */
  get cameras(): Cameras | null {
    return this.read;
  }

  clear(): void {
    this.file.value = '';
    this.trouble.textContent = '';
    this.have(null);
  }

  /** Tells how many of the chosen photos have a camera; false where they are too few to go on. */
  suits(chosen: readonly Offered[]): boolean {
    if (!this.read) {
      this.words.textContent = t.note;
      return true;
    }
    const n = withCamera(this.read, chosen).length;
    this.words.textContent = t.found(this.read.frames.length, n, chosen.length);
    return n >= 2;
  }

  private async take(): Promise<void> {
    const file = this.file.files?.[0];
    this.trouble.textContent = '';
    if (!file) return this.have(null);
    try {
      const cameras = await readCameras(file);
      if (this.file.files?.[0] === file) this.have(cameras);
    } catch (error) {
      if (!(error instanceof UnusableCameras)) throw error;
      if (this.file.files?.[0] !== file) return;
      this.clear();
      this.trouble.textContent = error.message;
    }
  }

  private have(cameras: Cameras | null): void {
    this.read = cameras;
    this.forget.hidden = cameras === null;
    this.changed();
  }
}
