import type { Outcome } from '../../src/errors.ts';
import type { Case } from './judge.ts';

/** The calls that had one fate at the payment API. */
export interface TallyRow {
  calls: number;
  readonly outcomes: Record<Outcome, number>;
  readonly codes: Map<string, number>;
}

/** Counts calls by what the payment API did, and notes how long their callers waited. */
export class Tally {
  readonly rows = new Map<string, TallyRow>();
  readonly outcomes: Record<Outcome, number> = { answered: 0, not_processed: 0, unknown: 0 };
  /** Calls that went over a connection which was open before. */
  reused = 0;
  #count = 0;
  readonly #durationsMs: Float32Array;

  constructor(calls: number) {
    this.#durationsMs = new Float32Array(calls);
  }

  get calls(): number {
    return this.#count;
  }

  add(call: Case): void {
    const { seen, logged } = call;
    const row = this.#row(fateOf(call));
    const outcome = logged.outcome ?? 'unknown';
    row.calls += 1;
    row.outcomes[outcome] += 1;
    this.outcomes[outcome] += 1;
    if (logged.reused) this.reused += 1;
    if (logged.code !== undefined) row.codes.set(logged.code, (row.codes.get(logged.code) ?? 0) + 1);
    this.#durationsMs[this.#count] = seen.durationMs;
    this.#count += 1;
  }

  /** How long the callers waited at most, in ms, if this share of them is looked at. */
  percentilesMs(...shares: number[]): number[] {
    const sorted = this.#durationsMs.slice(0, this.#count).sort();
    return shares.map((share) => sorted[Math.min(this.#count - 1, Math.floor(this.#count * share))] ?? 0);
  }

  #row(fate: string): TallyRow {
    const row = this.rows.get(fate) ?? {
      calls: 0,
      outcomes: { answered: 0, not_processed: 0, unknown: 0 },
      codes: new Map(),
    };
    this.rows.set(fate, row);
    return row;
  }
}

function fateOf({ plan, reading }: Case): string {
  if (reading !== undefined) return reading.reply ?? '(came when it was leaving)';
  return plan.refusedAs === undefined ? '(has read nothing)' : '(was not asked)';
}
