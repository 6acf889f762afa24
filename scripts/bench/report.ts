import type { Figure } from './figures.ts';
import type { LoadRow, Results } from './results.ts';
import { type Target, targets } from './targets.ts';

/** Names of bodies, for people. */
const SIZES = { small: '200 B', '64k': '64 KiB', '10m': '10 MiB' } as const;

/** Below this, a contender waited for its callers, and its calls a second say nothing about it. */
const FULLY_BUSY = 0.85;

/** All that was found as Markdown: tables that can be read in a terminal, too. */
export function report(results: Results): string {
  const { about, cost, bodies, callers, latency, quiet, memory, start } = results;
  const versions = Object.entries(about.versions).map(([name, version]) => `${name} ${version}`);
  const sections = [
    list([
      `\`${about.command}\`, ${about.startedAt.slice(0, 16).replace('T', ' ')} UTC`,
      about.machine,
      versions.join(', '),
      `Cores: ${about.division}. Load of the machine before the run: ${about.loadAverage.toFixed(1)}`,
    ]),
    section('Targets', table(['Target', 'at most', 'found', ''], targets(results).map(targetCells))),
    cost &&
      section(
        'What a call costs: 64 callers, bodies of 200 B',
        table(
          ['', 'CPU µs a call', 'to naive', 'ours to it', 'calls/s', 'core used'],
          cost.map(({ id, name, cpuUsPerCall, toNaive, oursToIt, callsPerSecond, busy }) => [
            name,
            ...(id === 'direct' ? ['–', '–', '–'] : [spread(cpuUsPerCall, 0), spread(toNaive, 2), spread(oursToIt, 2)]),
            `${busy < FULLY_BUSY && id !== 'direct' ? '≥ ' : ''}${callsPerSecond.median.toFixed(0)}`,
            id === 'direct' ? '–' : `${(busy * 100).toFixed(0)} %`,
          ]),
        ),
      ),
    bodies && section('Larger bodies, the same in both directions', loadTable('to 200 B', bodies)),
    callers && section('More callers', loadTable('to 16 callers', callers)),
    latency &&
      section(
        'Latency at 100 calls a second, in ms',
        table(
          ['', 'p50', 'p99', 'added p50', 'added p99'],
          latency.map(({ name, p50Ms, p99Ms, addedP50Ms, addedP99Ms }) => [
            name,
            ...[p50Ms, p99Ms, addedP50Ms, addedP99Ms].map((one) => spread(one, 2)),
          ]),
        ),
      ),
    quiet &&
      section(
        `A call after a quiet spell of ${(quiet[0]?.quietMs ?? 0) / 1000} s, over a link with a round trip of 10 ms`,
        table(
          ['', 'ms', 'round trips'],
          quiet.map(({ name, ms, roundTrips }) => [name, spread(ms, 1), roundTrips.toFixed(1)]),
        ),
      ),
    memory &&
      section(
        'Resident memory, in MiB',
        table(
          ['', 'idle', '64 callers', 'after', '200 MiB answer', 'read slowly', '10 MiB each way'],
          memory.map(({ name, idleMiB, busyMiB, afterMiB, fastRiseMiB, slowRiseMiB, largeRiseMiB }) => [
            name,
            ...[idleMiB, busyMiB, afterMiB].map((mib) => mib.toFixed(0)),
            ...[fastRiseMiB, slowRiseMiB, largeRiseMiB].map((mib) => `+${mib.toFixed(0)}`),
          ]),
        ),
      ),
    start &&
      section(
        'From the start of the process to the first 200 on `/`',
        table(
          ['', 'ms'],
          start.map(({ name, ms }) => [name, spread(ms, 0)]),
        ),
      ),
  ];
  return sections.filter((one) => one !== undefined).join('\n\n');
}

function loadTable(beside: string, rows: readonly LoadRow[]): string {
  return table(
    ['', 'bodies', 'callers', 'CPU µs a call', beside, 'calls/s'],
    rows.map(({ name, load, cpuUsPerCall, toBase, callsPerSecond }) => [
      name,
      SIZES[load.size],
      String(load.callers),
      spread(cpuUsPerCall, 0),
      spread(toBase, 2),
      callsPerSecond.median.toFixed(load.size === '10m' ? 1 : 0),
    ]),
  );
}

function targetCells({ text, atMost, unit, found, met }: Target): readonly string[] {
  const verdict = met ? 'met' : '**missed**';
  const value = (number: number) => `${unit === '' ? number.toFixed(2) : number.toFixed(1)} ${unit}`.trimEnd();
  return [text, value(atMost), found === undefined ? 'not measured' : value(found), found === undefined ? '' : verdict];
}

/** The median, and the lowest and the highest round. */
function spread({ median, low, high }: Figure, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

function section(heading: string, content: string): string {
  return `### ${heading}\n\n${content}`;
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}

/** The first column is text, the others are figures. */
function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((_, at) => Math.max(3, ...[heading, ...rows].map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (at === 0 ? (cells[at] ?? '').padEnd(width) : (cells[at] ?? '').padStart(width))).join(' | ')} |`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(heading), line(rule), ...rows.map(line)].join('\n');
}
