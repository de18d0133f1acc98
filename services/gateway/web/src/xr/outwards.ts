/** The numbers from one up to another, those next to a middle first. */
export function outwards(from: number, to: number, middle: number): number[] {
  const all = Array.from({ length: Math.max(to - from, 0) }, (_, i) => from + i);
  return all.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
}
