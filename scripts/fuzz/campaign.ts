import fc from 'fast-check';
import { Alarms } from './alarms.ts';

/** One kind of random case, and what must hold for each. */
export interface Campaign<Case> {
  readonly name: string;
  readonly cases: fc.Arbitrary<Case>;
  /** A case as JSON, for the corpus, and back. */
  toJson(one: Case): unknown;
  fromJson(json: unknown): Case;
  /** Makes the ground on which cases are checked. */
  open(): Promise<Ground<Case>>;
}

/** Where cases are checked one after the other. After a failure it may be in any state, and is given up. */
export interface Ground<Case> {
  /** @param count is told what came of the case, such as `refused: invalid_json`, for the figures in the end */
  check(one: Case, count: (what: string) => void): Promise<void>;
  /** @throws Error if something was left that should be gone */
  close(): Promise<void>;
}

export interface Failure<Case> {
  /** The case, as small as it could be made; none if what is wrong came to light only when the ground was given up. */
  readonly one: Case | undefined;
  readonly error: unknown;
}

interface RunOptions {
  readonly seed: number;
  readonly runs: number;
  readonly count: (what: string) => void;
  /** Ends the run early, with what it has. */
  readonly signal?: AbortSignal | undefined;
}

/** A run that takes longer, for making a failing case smaller, ends with what it has. */
const LONGEST_RUN_MS = 80_000;

/** Checks so many random cases; the same seed makes the same cases. */
export async function run<Case>(
  campaign: Campaign<Case>,
  { seed, runs, count, signal }: RunOptions,
): Promise<Failure<Case> | undefined> {
  const endsAtMs = performance.now() + LONGEST_RUN_MS;
  const alarms = new Alarms();
  let ground: Ground<Case> | undefined;
  const property = fc.asyncProperty(campaign.cases, async (one) => {
    if (signal?.aborted || performance.now() > endsAtMs) return;
    ground ??= await campaign.open();
    try {
      await ground.check(one, count);
      alarms.check();
    } catch (error) {
      // Only the first error counts: what the ground is like after it, nobody knows.
      await ground.close().catch(() => undefined);
      ground = undefined;
      throw error;
    }
  });
  try {
    const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns: runs });
    if (failed) {
      await ground?.close().catch(() => undefined);
      return { one: counterexample?.[0], error: errorInstance };
    }
    await ground?.close();
    alarms.check();
    return undefined;
  } catch (error) {
    return { one: undefined, error };
  } finally {
    alarms.stop();
  }
}

/** Checks one case on fresh ground. */
export async function replay<Case>(campaign: Campaign<Case>, one: Case): Promise<void> {
  const ground = await campaign.open();
  const alarms = new Alarms();
  try {
    await ground.check(one, () => undefined);
    await ground.close();
    alarms.check();
  } catch (error) {
    await ground.close().catch(() => undefined);
    throw error;
  } finally {
    alarms.stop();
  }
}
