import type { Api } from '../api/client';
import type { Asset } from '../api/schema';
import { Comparison } from '../scenes/comparison';
import { texts } from '../texts';
import { el } from '../ui/dom';

/** What was missing in a photo's 3D, before and after it was filled. */
export class FilledDialog {
  private readonly dialog: HTMLDialogElement;
  private readonly compare: Comparison;

  constructor(api: Api) {
    this.compare = new Comparison(api);
    const close = el('button', { class: 'button', type: 'button' }, texts.work.close);
    close.addEventListener('click', () => this.dialog.close());
    this.dialog = el(
      'dialog',
      { class: 'dialog dialog-filled', 'aria-label': texts.scenes.whatWasFilled },
      this.compare.element,
      el('div', { class: 'dialog-actions' }, close),
    );
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    document.body.append(this.dialog);
  }

  show(asset: Asset): void {
    this.compare.show(asset);
    this.dialog.showModal();
  }

  close(): void {
    this.dialog.close();
  }
}
