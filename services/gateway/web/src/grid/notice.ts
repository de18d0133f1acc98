import type { ApiError } from '../api/client';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { explainRefusal } from '../ui/errors';
import { type IconName, icon } from '../ui/icons';

/** What stands where a list would be: why there is none, and what to do about it. */
export class Notice {
  readonly element = el('div', { class: 'gallery-notice', hidden: true });

  tell({ title, advice }: { title: string; advice: string }, picture: IconName = 'layers'): void {
    this.show(title, advice, picture);
  }

  /** Says what went wrong, and offers what helps: another try, or the permissions that a key lacks. */
  explain(error: ApiError, again: () => void): void {
    if (error.code === 'unauthorized') return;
    const { title, advice } = explainRefusal(error);
    this.show(title, advice, 'info', { label: texts.again, run: again });
  }

  show(
    title: string,
    advice: string,
    picture: IconName,
    action?: { label: string; run: () => void },
  ): void {
    const button =
      action &&
      el('button', { class: 'button', type: 'button', on: { click: action.run } }, action.label);
    this.element.replaceChildren(
      icon(picture),
      el('h2', {}, title),
      el('p', {}, advice),
      ...(button ? [button] : []),
    );
    this.element.setAttribute('role', 'status');
    this.element.hidden = false;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
