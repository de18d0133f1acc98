import type { Photo } from './api/schema';

/** Photos that are read at once where the list is read again, and how many of them at most. */
export const LIST_PAGE = 500;
export const MOST_READ_AGAIN = 2000;

/** When a photo was taken, in milliseconds; those without a date lie last. */
export const momentOf = (photo: Photo | undefined): number =>
  (photo?.taken_at && Date.parse(photo.taken_at)) || -Number.MAX_VALUE;

/** Where a photo belongs among others that lie newest first. */
export function placeOf(photo: Photo, order: string[], photos: Map<string, Photo>): number {
  const taken = momentOf(photo);
  const at = order.findIndex((id) => momentOf(photos.get(id)) < taken);
  return at < 0 ? order.length : at;
}

/** Whether two states of a photo differ in what a list shows of it, badges and jobs aside. */
export function looksDifferent(a: Photo, b: Photo): boolean {
  const look = ({ name, width, height, taken_at, version }: Photo) =>
    JSON.stringify([name, width, height, taken_at, version]);
  return look(a) !== look(b);
}
