/** Places for a few of many things: one that was found or taken lately stays, what was not looked for longest goes. */
export class Places {
  private readonly places = new Map<string, number>();
  private readonly free: number[];

  constructor(size: number) {
    this.free = Array.from({ length: size }, (_, i) => size - 1 - i);
  }

  /** The place of a thing; -1 where it has none. */
  find(key: string): number {
    const place = this.places.get(key);
    if (place === undefined) return -1;
    // What is found moves to the end, so that the first is what was not looked for longest.
    this.places.delete(key);
    this.places.set(key, place);
    return place;
  }

  /** Gives a thing a place, another one's where all are taken. */
  take(key: string): number {
    const known = this.find(key);
    if (known >= 0) return known;
    let place = this.free.pop();
    if (place === undefined) {
      const [oldest, freed] = this.places.entries().next().value as [string, number];
      this.places.delete(oldest);
      place = freed;
    }
    this.places.set(key, place);
    return place;
  }
}
