import type { Api } from '../api/client';
import type { Store } from '../store';
import { el } from '../ui/dom';

interface PhotoActions {
  help(): void;
  leave(): void;
  show(id: string): void;
}

export class PhotoView {
  readonly element = el('section', { class: 'photo', hidden: true });
  private id: string | null = null;

  constructor(_api: Api, _store: Store, _actions: PhotoActions) {}

  async open(id: string): Promise<void> {
    this.id = id;
  }

  close(): string | null {
    return this.id;
  }
}
