import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contender } from './contenders.ts';
import type { Effort } from './cost.ts';
import { difference, type Figure, figure, quantile } from './figures.ts';
import type { Ground, Running } from './ground.ts';
import { closedLoop, timeCall } from './load.ts';
import { openSlowLink } from './slow-link.ts';

/** Beside a call that the caller makes by itself, under a steady rate of calls. */
export interface LatencyRow {
  readonly name: string;
  readonly id: string;
  readonly p50Ms: Figure;
  readonly p99Ms: Figure;
  readonly addedP50Ms: Figure;
  readonly addedP99Ms: Figure;
}

/** A call after a quiet spell, over a link with a delay. */
export interface QuietRow {
  readonly name: string;
  readonly id: string;
  /** How long the spell was. */
  readonly quietMs: number;
  readonly ms: Figure;
  readonly roundTrips: number;
}

const CALLS_PER_SECOND = 100;
const SECONDS_PER_ROUND = 10;
const ONE_WAY_MS = 5;
/** Longer than Node's own agent keeps an idle connection (5 s). */
export const QUIET_SPELL_MS = 6_000;
const SPELLS_PER_ROUND = 3;
const WARM_UP_CALLS = 20_000;

interface Called {
  readonly running: Running;
  readonly agent: Agent;
}

/**
 * Each contender gets 100 calls a second, at fixed times whether or not the last has been answered, and the contenders
 * get them in turn.
 *
 * @param contenders the first is what the others are compared with
 */
export async function latencies(
  ground: Ground,
  contenders: readonly Contender[],
  { rounds, warmth }: Effort,
  onProgress: (text: string) => void,
): Promise<readonly LatencyRow[]> {
  const called = await startAll(ground, contenders, ground.upstreamPort, warmth);
  const found = called.map(() => ({ p50: [] as number[], p99: [] as number[] }));
  for (let round = 1; round <= rounds; round += 1) {
    const times = await pacedCalls(called, Math.ceil(CALLS_PER_SECOND * SECONDS_PER_ROUND * warmth));
    for (const [at, list] of times.entries()) {
      found[at]?.p50.push(quantile(list, 0.5));
      found[at]?.p99.push(quantile(list, 0.99));
    }
    const p50s = found.map(({ p50 }, at) => `${contenders[at]?.id} ${p50.at(-1)?.toFixed(2)} ms`);
    onProgress(`round ${round}/${rounds}  p50: ${p50s.join(', ')}`);
  }
  await stopAll(called);
  const [base = { p50: [], p99: [] }] = found;
  return contenders.map(({ id, name }, at) => {
    const { p50, p99 } = found[at] ?? base;
    return {
      id,
      name,
      p50Ms: figure(p50),
      p99Ms: figure(p99),
      addedP50Ms: difference(p50, base.p50),
      addedP99Ms: difference(p99, base.p99),
    };
  });
}

/** After each quiet spell, one call of each contender over a link with a round trip of 10 ms. */
export async function quietCalls(
  ground: Ground,
  contenders: readonly Contender[],
  { rounds, warmth }: Effort,
  onProgress: (text: string) => void,
): Promise<readonly QuietRow[]> {
  const link = await openSlowLink(ground.upstreamPort, ONE_WAY_MS);
  const called = await startAll(ground, contenders, link.port, warmth / 10);
  const times = called.map((): number[] => []);
  const quietMs = QUIET_SPELL_MS * warmth;
  const spells = Math.ceil(rounds * SPELLS_PER_ROUND * warmth);
  for (let spell = 1; spell <= spells; spell += 1) {
    await delay(quietMs);
    for (const [at, { running, agent }] of called.entries()) times[at]?.push(await timeCall(running, 'small', agent));
    const last = times.map((list, at) => `${contenders[at]?.id} ${list.at(-1)?.toFixed(1)} ms`);
    onProgress(`quiet spell ${spell}/${spells}: ${last.join(', ')}`);
  }
  await stopAll(called);
  link.close();
  return contenders.map(({ id, name }, at) => {
    const ms = figure(times[at] ?? []);
    return { id, name, quietMs, ms, roundTrips: ms.median / (2 * ONE_WAY_MS) };
  });
}

async function startAll(
  ground: Ground,
  contenders: readonly Contender[],
  upstreamPort: number,
  warmth: number,
): Promise<readonly Called[]> {
  const called: Called[] = [];
  for (const contender of contenders) {
    const running = await ground.run(contender, upstreamPort);
    await closedLoop(running, { size: 'small', callers: 64 }, Math.max(64, Math.ceil(WARM_UP_CALLS * warmth)));
    const keepAlive = true;
    const agent = running.tls ? new SecureAgent({ keepAlive, ...running.tls }) : new Agent({ keepAlive });
    await timeCall(running, 'small', agent);
    called.push({ running, agent });
  }
  return called;
}

async function stopAll(called: readonly Called[]): Promise<void> {
  for (const { running, agent } of called) {
    agent.destroy();
    await running.stop();
  }
}

/** @returns the times in ms, by contender */
async function pacedCalls(called: readonly Called[], calls: number): Promise<readonly (readonly number[])[]> {
  const everyMs = 1_000 / CALLS_PER_SECOND / called.length;
  const startedAtMs = performance.now();
  const pending = called.map((): Promise<number>[] => []);
  for (let slot = 0; slot < calls * called.length; slot += 1) {
    await delay(Math.max(0, startedAtMs + slot * everyMs - performance.now()));
    const at = slot % called.length;
    const one = called[at];
    if (one !== undefined) pending[at]?.push(timeCall(one.running, 'small', one.agent));
  }
  return Promise.all(pending.map((list) => Promise.all(list)));
}
