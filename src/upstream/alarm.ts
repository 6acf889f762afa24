/** Calls somebody at the earliest of the times that were asked for. Times are milliseconds of `performance.now()`. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings at this time, if not before; for infinity it does nothing. It does not keep the process alive. */
  setFor(atMs: number, nowMs: number): void {
    if (atMs >= this.#atMs) return;
    clearTimeout(this.#timer);
    this.#atMs = atMs;
    this.#timer = setTimeout(
      () => {
        this.#atMs = Number.POSITIVE_INFINITY;
        this.#ring();
      },
      Math.max(1, atMs - nowMs),
    ).unref();
  }

  /** Forgets the time that was set. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#atMs = Number.POSITIVE_INFINITY;
  }
}
