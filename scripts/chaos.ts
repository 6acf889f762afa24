/**
 * `npm run chaos [-- --calls N --seed N --at-once N]`: many calls through the service to a payment API that misbehaves in
 * every way we know and keeps a ledger. Exits with 1 when a call was not what it was said to be, and says how to play the
 * same run again; with 130 when it was interrupted.
 */
import { Progress } from './chaos/progress.ts';
import { describeRun, describeViolations, replayCommand } from './chaos/report.ts';
import { run } from './chaos/run.ts';
import { readOptions, wholeNumber } from './command-line.ts';

const values = readOptions('npm run chaos -- [--calls N] [--seed N] [--at-once N]', {
  calls: { type: 'string', default: '20000' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  'at-once': { type: 'string', default: '64' },
});
const calls = wholeNumber('calls', values.calls, 1);
const seed = wholeNumber('seed', values.seed, 0);
const atOnce = wholeNumber('at-once', values['at-once'], 1);

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

console.log(`Seed ${seed}: ${calls.toLocaleString('en')} calls, ${atOnce} at once.`);
const progress = new Progress(calls, process.stdout);
const report = await run({
  seed,
  calls,
  atOnce,
  build: 'dist',
  onProgress: (done) => progress.update(done),
  signal: stop.signal,
});
progress.end();
console.log(`\n${describeRun(report)}\n`);
if (report.violations.length > 0) {
  console.log(`FAILED. Not all was what it was said to be:\n${describeViolations(report.violations)}\n`);
  console.log(`To play it again: ${replayCommand(seed, calls)}`);
  process.exit(1);
}
if (report.tally.calls < calls) {
  console.log(
    `Interrupted after ${report.tally.calls.toLocaleString('en')} calls. Nothing was wrong so far, which proves little.`,
  );
  process.exit(130);
}
console.log('No false not_processed, no request twice, every answered call byte for byte.');
