/** A run in words and figures; pure. */
import type { Violation } from './ledger.ts';
import type { Report } from './run.ts';
import type { TallyRow } from './tally.ts';

const MIB = 2 ** 20;
const MOST_SHOWN = 5;

/** How to play a run again. */
export function replayCommand(seed: number, calls: number): string {
  return `npm run chaos -- --seed ${seed} --calls ${calls}`;
}

/** What was wrong, each sentence once with how often, and the first cases of each. */
export function describeViolations(violations: readonly Violation[]): string {
  const sentences = new Set(violations.map(({ what }) => what));
  return Array.from(sentences, (sentence) => {
    const cases = violations.filter(({ what }) => what === sentence);
    const shown = cases.slice(0, MOST_SHOWN).map(({ detail }) => `    ${detail}`);
    return `  ${sentence} (${cases.length})\n${shown.join('\n')}`;
  }).join('\n');
}

/** What the payment API did, how the calls ended, and how fast it went. */
export function describeRun(report: Report): string {
  const { tally, manners, durationMs, peakBytes } = report;
  const { calls, outcomes, reused } = tally;
  const rows = [...tally.rows].sort(([, a], [, b]) => b.calls - a.calls);
  const [p50, p99] = tally.percentilesMs(0.5, 0.99).map((ms) => ms.toFixed(1));
  const [kinds, connections] = [...manners].reduce(([n, sum], [, count]) => [n + 1, sum + count], [0, 0]);
  return [
    columns('what the payment API did', 'calls', 'answered', 'unknown', 'not_proc.', 'codes'),
    ...rows.map(([fate, row]) => describeRow(fate, row)),
    columns('', calls, outcomes.answered, outcomes.unknown, outcomes.not_processed, ''),
    '',
    `${count(connections)} connections, treated in ${kinds} ways:`,
    ...[...manners]
      .sort(([, a], [, b]) => b - a)
      .map(([name, times]) => `  ${name.padEnd(30)} ${count(times).padStart(9)}`),
    '',
    `${count(Math.round((calls / durationMs) * 1000))} calls/s   p50 ${p50} ms   p99 ${p99} ms   ` +
      `unknown ${percent(outcomes.unknown / calls)}   reused ${percent(reused / calls)}   ` +
      `memory ${Math.round(peakBytes / MIB)} MiB   Node ${process.version}`,
  ].join('\n');
}

function describeRow(fate: string, { calls, outcomes, codes }: TallyRow): string {
  const common = [...codes].sort(([, a], [, b]) => b - a).map(([code, times]) => `${code} ${count(times)}`);
  return columns(fate, calls, outcomes.answered, outcomes.unknown, outcomes.not_processed, common.join(', '));
}

function columns(title: string, ...cells: (string | number)[]): string {
  const last = cells.pop();
  const numbers = cells.map((cell) => (typeof cell === 'number' ? count(cell) : cell).padStart(10));
  return `${title.padEnd(30)}${numbers.join('')}  ${last}`.trimEnd();
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function percent(share: number): string {
  return Number.isNaN(share) ? '-' : `${(share * 100).toFixed(1)} %`;
}
