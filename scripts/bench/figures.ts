/** A figure over several rounds. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The middle of some figures; of an even number, the mean of the middle two. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  const lower = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

export function figure(rounds: readonly number[]): Figure {
  return { median: median(rounds), low: Math.min(...rounds), high: Math.max(...rounds) };
}

/** Round by round, since what disturbs a round disturbs both. */
export function ratio(rounds: readonly number[], base: readonly number[]): Figure {
  return figure(rounds.map((value, round) => value / (base[round] ?? Number.NaN)));
}

export function difference(rounds: readonly number[], base: readonly number[]): Figure {
  return figure(rounds.map((value, round) => value - (base[round] ?? Number.NaN)));
}

/** The smallest of the figures that at least this share of them does not exceed: 0.99 for p99. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
