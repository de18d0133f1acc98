type Listener<T> = (value: T) => void;

/** Typed publish and subscribe. */
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Listens until the returned function is called. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void {
    const all = this.listeners.get(event) ?? new Set();
    all.add(listener as Listener<never>);
    this.listeners.set(event, all);
    return () => all.delete(listener as Listener<never>);
  }

  protected emit<K extends keyof Events>(event: K, value: Events[K]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) {
      (listener as Listener<Events[K]>)(value);
    }
  }
}
