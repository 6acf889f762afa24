import { expect, test } from 'vitest';
import { chart } from '../../../scripts/bench/chart.ts';
import { withReport } from '../../../scripts/bench/document.ts';
import { report } from '../../../scripts/bench/report.ts';
import { costRows, loadRows, type Results } from '../../../scripts/bench/results.ts';
import { targets } from '../../../scripts/bench/targets.ts';

const SMALL = { size: 'small', callers: 64 } as const;
const LARGE = { size: '64k', callers: 64 } as const;
const OURS = { id: 'ours', name: 'ours', request: () => ({ path: '', headers: {}, body: '' }) };
const NAIVE = { ...OURS, id: 'naive', name: 'a < b & "naive"' };

/** The costs of rounds that took so many µs a call. */
const rounds = (...us: readonly number[]) =>
  us.map((cpuUsPerCall) => ({ cpuUsPerCall, callsPerSecond: 1e6 / cpuUsPerCall, busy: 1 }));

const COSTS = new Map([
  ['ours small 64', rounds(50, 90, 51)],
  ['naive small 64', rounds(100, 180, 102)],
  ['ours 64k 64', rounds(150, 275, 160)],
]);

const RESULTS: Results = {
  about: {
    command: 'npm run bench',
    startedAt: '2026-11-23T10:00:00.000Z',
    machine: '2 cores',
    division: 'all processes share the cores',
    loadAverage: 0.2,
    versions: { Node: '24.1.0' },
  },
  cost: costRows([OURS, NAIVE], SMALL, COSTS),
  bodies: loadRows([OURS], [SMALL, LARGE], SMALL, COSTS),
  callers: undefined,
  latency: undefined,
  quiet: undefined,
  memory: undefined,
  start: undefined,
};

test('a call of ours is compared with the naive one of the same round', () => {
  expect(RESULTS.cost?.map(({ toNaive }) => toNaive.median)).toEqual([0.5, 1]);
  expect(RESULTS.cost?.map(({ oursToIt }) => oursToIt.median)).toEqual([1, 0.5]);
});

test('each target is met, missed or not measured', () => {
  const verdicts = targets(RESULTS).map(({ text, found, met }) => [text, found, met]);

  expect(verdicts).toContainEqual(['CPU per call, as a share of the naive design', 0.5, true]);
  expect(verdicts).toContainEqual([expect.stringContaining('64 KiB'), expect.closeTo(3.06), false]);
  expect(verdicts).toContainEqual([expect.stringContaining('512 callers'), undefined, undefined]);
});

test('a call after a spell that is too short to be a quiet one is not judged', () => {
  const ms = { median: 12.1, low: 11.9, high: 12.4 };
  const verdictAfter = (quietMs: number) => {
    const quiet = [{ id: 'ours', name: 'ours', quietMs, ms, roundTrips: 1.2 }];
    return targets({ ...RESULTS, quiet }).find(({ text }) => text.includes('quiet'))?.met;
  };

  expect([verdictAfter(120), verdictAfter(6_000)]).toEqual([undefined, true]);
});

test('a report has a table for what was measured, and none for what was not', () => {
  const text = report(RESULTS);

  expect(text).toMatch(/^\| CPU per call, as a share of the naive design +\| +0\.60 \| +0\.50 \| +met \|$/m);
  expect(text).toContain('**missed**');
  expect(text).toContain('### Larger bodies');
  expect(text).not.toContain('### Resident memory');
  expect(text).not.toContain('NaN');
});

test('a report says how long the quiet spells of its run were', () => {
  const ms = { median: 12.1, low: 11.9, high: 12.4 };
  const quiet = [{ id: 'ours', name: 'ours', quietMs: 120, ms, roundTrips: 1.2 }];

  expect(report({ ...RESULTS, quiet })).toContain('### A call after a quiet spell of 0.12 s,');
});

test('a report takes the place of the last one, and leaves the words around it alone', () => {
  const document = `Before.\n\n<!-- bench: what follows is written by npm run bench -->\nold\n<!-- bench: end -->\n\nAfter.\n`;

  const once = withReport(document, 'new $& report');

  expect(once).toContain('Before.');
  expect(once).toContain('new $& report');
  expect(once).not.toContain('old');
  expect(once).toMatch(/After\.\n$/);
  expect(withReport(once, 'new $& report')).toBe(once);
  expect(() => withReport('no marks', 'new')).toThrow('needs the lines');
});

test('the chart has a bar for each contender, and no name breaks out of it', () => {
  const svg = chart(RESULTS.cost ?? []);

  expect(svg.match(/<rect [^>]*class="(ours|other)"/g)).toHaveLength(2);
  expect(svg).toContain('a &lt; b &amp; &quot;naive&quot;');
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg).not.toMatch(/NaN|undefined/);
});
