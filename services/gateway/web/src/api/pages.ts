/** Cards of a page, as of albums. */
export const CARDS = 60;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export function paged(
  cursor: string | null,
  limit: number,
  rest: Record<string, string> = {},
): string {
  const query = new URLSearchParams({ ...rest, limit: String(limit) });
  if (cursor) query.set('cursor', cursor);
  return query.toString();
}
