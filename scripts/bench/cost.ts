import type { Contender } from './contenders.ts';
import type { Ground, Running } from './ground.ts';
import { closedLoop, type Load } from './load.ts';
import type { BodySize } from './setting.ts';

/** What one round has found about a contender under a load. */
export interface Cost {
  /** CPU time of the contender alone, user and system; 0 if there is none between caller and payment API. */
  readonly cpuUsPerCall: number;
  readonly callsPerSecond: number;
  /** The share of a core that the contender used. Well below 1, something else was the limit of calls a second. */
  readonly busy: number;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  /** About how long each contender is measured in each round. */
  readonly seconds: number;
  /** A share of the calls with which contenders are warmed up; 1 unless somebody is in a hurry. */
  readonly warmth: number;
}

/** Each round's cost, by {@link keyOf}. */
export type Costs = ReadonlyMap<string, readonly Cost[]>;

/**
 * V8 goes on optimising the path of a call for some 15,000 calls. Large bodies reach the same code with fewer, since each
 * comes in many pieces.
 */
const WARM_UP_CALLS: Readonly<Record<BodySize, number>> = { small: 20_000, '64k': 4_000, '10m': 40 };
/** After that it is warm once two slices agree, or after as many calls again. */
const SLICES = 4;
const AGREEMENT = 0.05;

export function keyOf({ id }: Pick<Contender, 'id'>, { size, callers }: Load): string {
  return `${id} ${size} ${callers}`;
}

/**
 * Measures contenders under loads. Each round measures all of them, each in a process of its own and beginning with
 * another one, so that a busy moment hits none alone.
 */
export async function costs(
  ground: Ground,
  contenders: readonly Contender[],
  loads: readonly Load[],
  effort: Effort,
  onProgress: (text: string) => void,
): Promise<Costs> {
  const found = new Map<string, Cost[]>();
  for (let round = 0; round < effort.rounds; round += 1) {
    for (const contender of rotated(contenders, round)) {
      const running = await ground.run(contender);
      for (const load of rotated(loads, round)) {
        const cost = await measure(running, load, effort);
        const key = keyOf(contender, load);
        found.set(key, [...(found.get(key) ?? []), cost]);
        const figures = `${cost.cpuUsPerCall.toFixed(0)} µs, ${cost.callsPerSecond.toFixed(0)} calls/s`;
        onProgress(`round ${round + 1}/${effort.rounds}  ${key}: ${figures}`);
      }
      await running.stop();
    }
  }
  return found;
}

async function measure(running: Running, load: Load, { seconds, warmth }: Effort): Promise<Cost> {
  const least = Math.ceil(WARM_UP_CALLS[load.size] * warmth);
  const slice = Math.max(load.callers, Math.ceil(least / SLICES));
  let warm = await count(running, load, slice);
  for (let calls = slice; calls < 2 * least; calls += slice) {
    const before = warm;
    warm = await count(running, load, slice);
    if (calls + slice >= least && agree(before.cpuUsPerCall, warm.cpuUsPerCall)) break;
  }
  return count(running, load, Math.max(slice, Math.ceil(warm.callsPerSecond * seconds)));
}

async function count(running: Running, load: Load, calls: number): Promise<Cost> {
  const before = running.process?.cpuUs() ?? 0;
  const callsPerSecond = await closedLoop(running, load, calls);
  const cpuUsPerCall = ((running.process?.cpuUs() ?? 0) - before) / calls;
  return { cpuUsPerCall, callsPerSecond, busy: (cpuUsPerCall * callsPerSecond) / 1_000_000 };
}

function agree(one: number, other: number): boolean {
  return Math.abs(one - other) <= AGREEMENT * Math.max(one, other);
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
