/** How far beyond its ends something may be pulled, and how it comes back. */
const GIVE = 0.35;
const SPRING_S = 0.12;
/** After this time a thrown thing has lost 63 % of its speed. */
const GLIDE_S = 0.55;
const STILL = 0.02;
/** Of older movements a throw knows nothing. */
const REMEMBERED_S = 0.12;

/**
 * A place on a line that is pulled, thrown, and comes to rest; in whatever unit its ends are in. Beyond them it follows
 * a pull less, and springs back.
 */
export class Kinetic {
  place = 0;
  speed = 0;
  private from = 0;
  private to = 0;
  private held: { place: number; at: number } | null = null;
  private trail: { at: number; place: number }[] = [];

  get moving(): boolean {
    return this.held !== null || Math.abs(this.speed) > 0 || this.beyond() !== 0;
  }

  setEnds(from: number, to: number): void {
    this.from = from;
    this.to = Math.max(from, to);
  }

  /** Goes there at once. */
  jump(place: number): void {
    this.speed = 0;
    this.place = Math.min(Math.max(place, this.from), this.to);
    if (this.held) this.held = { ...this.held, place: this.place };
  }

  grab(): void {
    this.speed = 0;
    this.held = { place: this.place, at: 0 };
    this.trail = [];
  }

  /** Pulled by so much in all since it was grabbed; seconds: since the last pull. */
  pull(distance: number, seconds: number): void {
    if (!this.held) return;
    this.held.at += seconds;
    const wanted = this.held.place + distance;
    const inside = Math.min(Math.max(wanted, this.from), this.to);
    this.place = inside + (wanted - inside) * GIVE;
    const { at } = this.held;
    this.trail.push({ at, place: this.place });
    this.trail = this.trail.filter((point) => at - point.at <= REMEMBERED_S);
  }

  /** Let go of; goes on as it was thrown. */
  release(): void {
    const [first] = this.trail;
    const last = this.trail.at(-1);
    const seconds = first && last ? last.at - first.at : 0;
    this.speed = first && last && seconds > 0 ? (last.place - first.place) / seconds : 0;
    if (this.beyond() !== 0) this.speed = 0;
    this.held = null;
  }

  /** Sets it going, as by a thumbstick. */
  push(speed: number): void {
    if (!this.held) this.speed = speed;
  }

  /** Goes on by so many seconds; true while it moves. */
  step(seconds: number): boolean {
    if (this.held) return true;
    this.place += this.speed * GLIDE_S * (1 - Math.exp(-seconds / GLIDE_S));
    this.speed *= Math.exp(-seconds / GLIDE_S);
    const beyond = this.beyond();
    if (beyond !== 0) {
      this.speed *= Math.exp(-seconds / (SPRING_S / 2));
      const left = beyond * Math.exp(-seconds / SPRING_S);
      this.place += (Math.abs(left) < 1e-4 ? 0 : left) - beyond;
    }
    if (Math.abs(this.speed) < STILL) this.speed = 0;
    return this.moving;
  }

  /** How far it is beyond the nearer end; 0 within. */
  private beyond(): number {
    if (this.place < this.from) return this.place - this.from;
    return this.place > this.to ? this.place - this.to : 0;
  }
}
