import type { Api } from '../api/client';
import type { Photo } from '../api/schema';

/** Photos that are offered at a time. */
const PAGE = 120;

export type Offered = Pick<Photo, 'id' | 'name'>;

/** Some photos, and whether there are more. */
export interface OfferedPage {
  items: Offered[];
  isMore: boolean;
}

type Library = Pick<Api, 'photos' | 'timeline' | 'month'>;

/** All photos, the newest first. */
export async function* newest(api: Library): AsyncGenerator<OfferedPage, void> {
  let cursor: string | null = null;
  do {
    const page = await api.photos(cursor, PAGE);
    cursor = page.next_cursor;
    yield { items: page.items, isMore: cursor !== null };
  } while (cursor !== null);
}

/** Photos of the month that this one was taken in, then of those before it. */
export async function* fromMonthOf(
  api: Library,
  photo: Pick<Photo, 'taken_at'>,
): AsyncGenerator<OfferedPage, void> {
  const months = (await api.timeline()).map(({ month }) => month);
  const left = months.filter((month) => month <= (photo.taken_at ?? '9999').slice(0, 7));
  for (const [at, month] of left.entries()) {
    let cursor: string | null = null;
    do {
      const page = await api.month(month, cursor);
      cursor = page.next_cursor;
      const items = page.items.filter(({ kind }) => kind === 'photo');
      yield { items, isMore: cursor !== null || at < left.length - 1 };
    } while (cursor !== null);
  }
}
