import type { DoorClass } from './door';
import type { Item, Job, Photo, SceneDetails, ScenePage, WaysToReconstruct } from './schema';

/** What a place is to be made of: photos in their order, or one video. */
export type PlaceSource = { photo_ids: string[] } | { video_id: string };

export interface PlaceWish {
  source: PlaceSource;
  method: string;
  quality: string;
  mask_moving: boolean;
  /** A yes to what leaves the house, where the method says that something does. */
  sends: boolean;
  /** Where the photos were taken from, where that is known: a transforms.json, with `poses: 'given'`. */
  poses?: string;
  cameras?: { frames: object[] };
}

/** Places made of photos and videos, and what was missing in them filled. */
export const withScenes = <B extends DoorClass>(Base: B) =>
  class extends Base {
    scenes(cursor: string | null): Promise<ScenePage> {
      const query = new URLSearchParams({ limit: '60' });
      if (cursor) query.set('cursor', cursor);
      return this.get(`/api/scenes?${query}`);
    }

    scene(id: string): Promise<SceneDetails> {
      return this.get(`/api/scenes/${encodeURIComponent(id)}`);
    }

    /** Photos of the stack that a photo lies in; itself alone without one. */
    async stackOf(photoId: string): Promise<Photo[]> {
      const path = `/api/photos/${encodeURIComponent(photoId)}/stack`;
      const { items } = await this.get<{ items: Item[] }>(path);
      return items.filter((item): item is Photo => item.kind === 'photo');
    }

    waysToReconstruct(): Promise<WaysToReconstruct> {
      return this.get('/api/reconstruct');
    }

    async makePlace(wish: PlaceWish): Promise<Job> {
      const answer = await this.send('POST', '/api/reconstruct', wish);
      return ((await answer.json()) as { job: Job }).job;
    }

    async fillMissing(id: string, method: string | null): Promise<Job> {
      const path = `/api/scenes/${encodeURIComponent(id)}/inpaint`;
      return ((await (await this.send('POST', path, { method })).json()) as { job: Job }).job;
    }

    /** Fills what is missing in the 3D of a photo, made by this model. */
    async fillMissingOf(photoId: string, model: string): Promise<Job> {
      const source = { kind: 'photo', id: photoId };
      const wish = { kind: 'inpaint', source, params: { model } };
      return ((await (await this.send('POST', '/api/jobs', wish)).json()) as { job: Job }).job;
    }

    /** left: how much is there still, where it did not all go at once. */
    async deleteScene(id: string): Promise<{ left: number }> {
      return (await this.send('DELETE', `/api/scenes/${encodeURIComponent(id)}`)).json();
    }
  };
