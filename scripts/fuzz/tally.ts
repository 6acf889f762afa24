/** How many cases there were, how long they took, and what came of them. */
export class Tally {
  readonly #counts = new Map<string, number>();
  #total = 0;
  #ms = 0;

  get total(): number {
    return this.#total;
  }

  readonly count = (what: string): void => {
    this.#total += 1;
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  };

  spend(ms: number): void {
    this.#ms += ms;
  }

  /** The sum and the pace, for a line. */
  toString(): string {
    const perSecond = this.#ms === 0 ? 0 : Math.round(this.#total / (this.#ms / 1000));
    return `${this.#total.toLocaleString('en')} (${perSecond.toLocaleString('en')}/s)`;
  }

  /** What came of the cases, the most frequent first, for the rows of a table. */
  rows(): string {
    return [...this.#counts]
      .sort(([, a], [, b]) => b - a)
      .map(([what, count]) => `  ${what.padEnd(36)}${count.toLocaleString('en').padStart(12)}`)
      .join('\n');
  }
}
