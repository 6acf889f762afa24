import { type Contender, run } from './contenders.ts';
import { median, spread } from './figures.ts';
import { closedLoop } from './load.ts';
import type { Cores } from './process.ts';
import { type BodySize, freePort, type Setting } from './setting.ts';

const WARM_UP_SECONDS = 2;

/** Where the bench runs: the payment API is up, and the cores are dealt out. */
export interface Ground {
  readonly setting: Setting;
  readonly upstreamPort: number;
  readonly contenderCores: Cores;
}

export interface Load {
  readonly size: BodySize;
  readonly callers: number;
  readonly seconds: number;
}

/** What one contender cost under one load, over all rounds. */
export interface Cost {
  readonly name: string;
  readonly load: Load;
  /** Median over the rounds, and how far apart they were as a share of it. */
  readonly cpuUsPerCall: number;
  readonly spread: number;
  readonly callsPerSecond: number;
  readonly rssMiB: number;
  readonly failures: number;
}

interface Round {
  readonly cpuUsPerCall: number;
  readonly callsPerSecond: number;
  readonly rssMiB: number;
  readonly failures: number;
}

/** Measures contenders in turn, and all of them again in each round, so that a busy moment hits none alone. */
export async function costs(
  contenders: readonly Contender[],
  loads: readonly Load[],
  rounds: number,
  ground: Ground,
  onProgress: (text: string) => void,
): Promise<readonly Cost[]> {
  const results = new Map<string, Round[]>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const contender of contenders) {
      for (const load of loads) {
        onProgress(`round ${round} of ${rounds}: ${contender.name}, ${load.size}, ${load.callers} callers`);
        const key = keyOf(contender, load);
        results.set(key, [...(results.get(key) ?? []), await measure(contender, load, ground)]);
      }
    }
  }
  return contenders.flatMap((contender) =>
    loads.map((load) => summary(contender, load, results.get(keyOf(contender, load)) ?? [])),
  );
}

function keyOf({ name }: Contender, { size, callers }: Load): string {
  return `${name} ${size} ${callers}`;
}

async function measure(contender: Contender, load: Load, ground: Ground): Promise<Round> {
  const port = await freePort();
  const process = await run(
    contender,
    ground.setting,
    { own: port, upstream: ground.upstreamPort },
    ground.contenderCores,
  );
  try {
    const request = contender.request(load.size);
    await closedLoop(port, request, { callers: load.callers, seconds: WARM_UP_SECONDS });
    const before = process.cpuUs();
    const { calls, callsPerSecond, failures } = await closedLoop(port, request, load);
    const cpuUsPerCall = (process.cpuUs() - before) / calls;
    return { cpuUsPerCall, callsPerSecond, failures, rssMiB: process.rssBytes() / 1_048_576 };
  } finally {
    await process.stop();
  }
}

function summary({ name }: Contender, load: Load, rounds: readonly Round[]): Cost {
  const cpu = rounds.map(({ cpuUsPerCall }) => cpuUsPerCall);
  return {
    name,
    load,
    cpuUsPerCall: median(cpu),
    spread: spread(cpu),
    callsPerSecond: median(rounds.map(({ callsPerSecond }) => callsPerSecond)),
    rssMiB: median(rounds.map(({ rssMiB }) => rssMiB)),
    failures: rounds.reduce((sum, { failures }) => sum + failures, 0),
  };
}
