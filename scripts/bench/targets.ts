import { QUIET_SPELL_MS, type QuietRow } from './latency.ts';
import type { Results } from './results.ts';

/** Something that must hold on Node 24, with one core and all features on. */
export interface Target {
  readonly text: string;
  readonly atMost: number;
  readonly unit: '' | 'ms' | 'MiB';
  /** None if it was not measured. */
  readonly found: number | undefined;
  readonly met: boolean | undefined;
}

type Rule = readonly [
  text: string,
  atMost: number,
  unit: Target['unit'],
  find: (results: Results) => number | undefined,
];

/** The quiet call is given in ms, as its round trip of 10 ms and 3 ms more. */
const RULES: readonly Rule[] = [
  ['CPU per call, as a share of the naive design', 0.6, '', (results) => costBeside(results, 'naive')],
  ['CPU per call, as a share of bare Fastify + reply-from', 1, '', (results) => costBeside(results, 'fastify')],
  ['CPU per call, as a share of Caddy with access log and metrics', 0.8, '', (results) => costBeside(results, 'caddy')],
  ['Latency added at 100 calls a second, p50', 0.4, 'ms', ({ latency }) => ours(latency)?.addedP50Ms.median],
  ['Latency added at 100 calls a second, p99', 2, 'ms', ({ latency }) => ours(latency)?.addedP99Ms.median],
  ['Call after a quiet spell, round trip 10 ms', 13, 'ms', ({ quiet }) => afterQuiet(ours(quiet))],
  [
    'CPU per call with bodies of 64 KiB, beside small ones',
    3,
    '',
    ({ bodies }) => ours(bodies?.filter(({ load }) => load.size === '64k'))?.toBase.median,
  ],
  ['Memory, rise during an answer of 200 MiB', 32, 'MiB', ({ memory }) => riseOf(ours(memory))],
  [
    'CPU per call with 512 callers, beside 16',
    1.3,
    '',
    ({ callers }) => callers?.find(({ load }) => load.callers === 512)?.toBase.median,
  ],
];

/** Holds the results against each target. */
export function targets(results: Results): readonly Target[] {
  return RULES.map(([text, atMost, unit, find]) => {
    const found = find(results);
    // As it is shown: what reads "0.60, at most 0.60" is met.
    const met = found === undefined ? undefined : Number(found.toFixed(2)) <= atMost;
    return { text, atMost, unit, found, met };
  });
}

function ours<T extends { readonly id: string }>(rows: readonly T[] | undefined): T | undefined {
  return rows?.find(({ id }) => id === 'ours');
}

function costBeside({ cost }: Results, other: string): number | undefined {
  return cost?.find(({ id }) => id === other)?.oursToIt.median;
}

/** A spell that is too short for a connection to end shows nothing. */
function afterQuiet(row: QuietRow | undefined): number | undefined {
  return row && row.quietMs >= QUIET_SPELL_MS ? row.ms.median : undefined;
}

function riseOf(row: { readonly fastRiseMiB: number; readonly slowRiseMiB: number } | undefined): number | undefined {
  return row && Math.max(row.fastRiseMiB, row.slowRiseMiB);
}
