import { expect, test } from 'vitest';
import { describeRun, describeViolations, replayCommand } from '../../scripts/chaos/report.ts';
import { run } from '../../scripts/chaos/run.ts';

const CALLS = 20_000;
const LIMIT_MS = 600_000;

/** Another one each time, unless CHAOS_SEED says which. */
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);

test(
  `20,000 calls to a chaotic payment API: each ended as it was said to (seed ${seed})`,
  async () => {
    const report = await run({ seed, calls: CALLS, atOnce: 64, build: 'dist' });

    console.log(`Seed ${seed}, to be played again with: ${replayCommand(seed, CALLS)}\n\n${describeRun(report)}`);
    expect(report.violations, describeViolations(report.violations)).toEqual([]);
    expect(report.tally.calls).toBe(CALLS);
    // What has never been met has not been tested.
    expect(report.manners.size).toBeGreaterThanOrEqual(16);
    expect(report.tally.rows.size).toBeGreaterThanOrEqual(30);
  },
  LIMIT_MS,
);
