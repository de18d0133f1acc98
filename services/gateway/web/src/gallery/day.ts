import type { Memory } from '../api/schema';
import { texts } from '../texts';

const DAY_MS = 86_400_000;

/** The day that it is where the viewer is, as YYYY-MM-DD. */
export function today(now = new Date()): string {
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

export function shiftDay(day: string, by: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + by * DAY_MS).toISOString().slice(0, 10);
}

export const yearsAgo = (memory: Pick<Memory, 'year'>, day: string): string =>
  texts.memories.ago(Number(day.slice(0, 4)) - memory.year);
