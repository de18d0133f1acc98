/** How many, and how much, in the last seconds. */
export class Rate {
  private readonly events: { at: number; amount: number }[] = [];

  constructor(private readonly windowMs = 2000) {}

  add(at: number, amount = 1): void {
    this.events.push({ at, amount });
    this.forget(at);
  }

  /** Amount per second, over the window or, at the beginning, over what there is of it. */
  perSecond(now: number): number {
    this.forget(now);
    const first = this.events[0];
    const last = this.events.at(-1);
    if (!first || !last || this.events.length < 2) return 0;
    // What the first one took lies before the window.
    const sum = this.events.reduce((total, { amount }) => total + amount, 0) - first.amount;
    return (sum / Math.max(now - first.at, last.at - first.at, 1)) * 1000;
  }

  private forget(now: number): void {
    while ((this.events[0]?.at ?? now) < now - this.windowMs) this.events.shift();
  }
}

/** The last so many values. */
export class Recent {
  private readonly values: number[] = [];
  private next = 0;

  constructor(private readonly size = 90) {}

  add(value: number): void {
    this.values[this.next] = value;
    this.next = (this.next + 1) % this.size;
  }

  /** The value that this share of them does not exceed; NaN where there are none. */
  quantile(share: number): number {
    const sorted = [...this.values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  }

  clear(): void {
    this.values.length = 0;
    this.next = 0;
  }
}
