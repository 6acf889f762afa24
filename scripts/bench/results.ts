import type { Contender } from './contenders.ts';
import { type Cost, type Costs, keyOf } from './cost.ts';
import { type Figure, figure, median, ratio } from './figures.ts';
import type { LatencyRow, QuietRow } from './latency.ts';
import type { Load } from './load.ts';
import type { MemoryRow } from './memory.ts';
import type { StartRow } from './start.ts';

/** What a call costs, beside others in the same rounds. */
export interface CostRow {
  readonly name: string;
  readonly id: string;
  readonly cpuUsPerCall: Figure;
  readonly callsPerSecond: Figure;
  /** The share of its core that the contender used. */
  readonly busy: number;
  readonly toNaive: Figure;
  /** What ours costs, as a share of it. */
  readonly oursToIt: Figure;
}

/** What a call costs under one load, beside another load of the same contender. */
export interface LoadRow {
  readonly name: string;
  readonly id: string;
  readonly load: Load;
  readonly cpuUsPerCall: Figure;
  readonly callsPerSecond: Figure;
  readonly toBase: Figure;
}

/** All that a run has found; what was not asked for is absent. */
export interface Results {
  readonly about: About;
  readonly cost: readonly CostRow[] | undefined;
  readonly bodies: readonly LoadRow[] | undefined;
  readonly callers: readonly LoadRow[] | undefined;
  readonly latency: readonly LatencyRow[] | undefined;
  readonly quiet: readonly QuietRow[] | undefined;
  readonly memory: readonly MemoryRow[] | undefined;
  readonly start: readonly StartRow[] | undefined;
}

/** Where, when and how a run was made. */
export interface About {
  readonly command: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly machine: string;
  readonly division: string;
  /** Of the minute before the run, from everything else on the machine. */
  readonly loadAverage: number;
  readonly versions: Readonly<Record<string, string>>;
}

export function costRows(contenders: readonly Contender[], load: Load, found: Costs): readonly CostRow[] {
  const cpuOf = (id: string) => cpuUs(found.get(keyOf({ id }, load)));
  return contenders.map(({ id, name }) => {
    const rounds = found.get(keyOf({ id }, load)) ?? [];
    return {
      id,
      name,
      cpuUsPerCall: figure(cpuUs(rounds)),
      callsPerSecond: figure(rounds.map(({ callsPerSecond }) => callsPerSecond)),
      busy: median(rounds.map(({ busy }) => busy)),
      toNaive: ratio(cpuUs(rounds), cpuOf('naive')),
      oursToIt: ratio(cpuOf('ours'), cpuUs(rounds)),
    };
  });
}

/** @param base the load that the others are compared with */
export function loadRows(
  contenders: readonly Contender[],
  loads: readonly Load[],
  base: Load,
  found: Costs,
): readonly LoadRow[] {
  return contenders.flatMap((contender) =>
    loads.map((load) => {
      const rounds = found.get(keyOf(contender, load)) ?? [];
      return {
        id: contender.id,
        name: contender.name,
        load,
        cpuUsPerCall: figure(cpuUs(rounds)),
        callsPerSecond: figure(rounds.map(({ callsPerSecond }) => callsPerSecond)),
        toBase: ratio(cpuUs(rounds), cpuUs(found.get(keyOf(contender, base)))),
      };
    }),
  );
}

function cpuUs(rounds: readonly Cost[] = []): readonly number[] {
  return rounds.map(({ cpuUsPerCall }) => cpuUsPerCall);
}
