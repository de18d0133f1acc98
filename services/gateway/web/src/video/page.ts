import './video.css';
import type { Api } from '../api/client';
import type { Store } from '../store';
import { Videos } from './videos';
import { type VideoActions, VideoView } from './view';
import { Wall } from './wall';

/** The list of videos, which takes the place of the photos in the gallery, and one video. */
export class VideoPages {
  private readonly videos: Videos;
  private readonly tiles: Wall;
  private readonly player: VideoView;

  /** gallery: what scrolls the list. */
  constructor(api: Api, store: Store, gallery: HTMLElement, actions: VideoActions) {
    this.videos = new Videos(api, store);
    this.tiles = new Wall(api, this.videos, gallery);
    this.player = new VideoView(api, store, this.videos, actions);
  }

  get wall(): HTMLElement {
    return this.tiles.element;
  }

  get view(): HTMLElement {
    return this.player.element;
  }

  /** Shows the list, where the video watched last was in it. */
  async list(): Promise<void> {
    const shown = this.player.close();
    if (shown) this.tiles.focus(shown);
    await this.tiles.load();
  }

  async open(id: string): Promise<void> {
    const opening = this.player.open(id);
    void this.tiles.load();
    await opening;
  }

  close(): void {
    this.player.close();
  }
}
