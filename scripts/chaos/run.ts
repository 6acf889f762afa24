import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { callService } from './caller.ts';
import { type Closing, inUse, judgeClosing, knownTo, sumOf } from './closing.ts';
import type { Violation } from './ledger.ts';
import { openScene, type Scene } from './scene.ts';
import type { Build, ServiceProcess } from './service.ts';
import type { Tally } from './tally.ts';
import type { ChaosUpstream } from './upstream.ts';

interface RunOptions {
  readonly seed: number;
  readonly calls: number;
  /** How many callers there are; each makes one call after the other. */
  readonly atOnce: number;
  readonly build: Build;
  /** Told after each call how many are over. */
  readonly onProgress?: (calls: number) => void;
  /** Ends the run early; what was done by then is judged all the same. */
  readonly signal?: AbortSignal;
}

export interface Report {
  readonly violations: readonly Violation[];
  readonly tally: Tally;
  /** How many connections the payment API has treated how. */
  readonly manners: ChaosUpstream['manners'];
  /** While calls were made. */
  readonly durationMs: number;
  /** The most memory that the service was seen to use. */
  readonly peakBytes: number;
}

/** Once so much is wrong, more of the same teaches nothing. */
const MOST_VIOLATIONS = 20;
const SETTLE_LIMIT_MS = 15_000;
const SAMPLE_MS = 5_000;

/**
 * Makes many calls to a service that has nothing but a chaotic payment API behind it, and judges what came of them.
 *
 * @throws if the service does not start
 */
export async function run(options: RunOptions): Promise<Report> {
  const scene = await openScene(options);
  const { trial, upstream, service } = scene;
  const { tally, violations } = trial;
  const memory = watchMemory(service);
  const over = new AbortController();
  const dead = service.ended.then((lastWords) => {
    if (!over.signal.aborted) violations.push({ what: 'the service has ended by itself', detail: lastWords });
    over.abort();
  });
  try {
    const startedAtMs = performance.now();
    const made = await makeCalls(scene, options, over.signal);
    const durationMs = performance.now() - startedAtMs;
    await Promise.race([dead, until(async () => trial.open === 0)]);
    trial.end();
    const isAlive = !over.signal.aborted;
    over.abort();
    if (isAlive) violations.push(...judgeClosing(await closeDown(scene, made)));
    return { violations, tally, manners: upstream.manners, durationMs, peakBytes: memory.peakBytes };
  } finally {
    over.abort();
    memory.stop();
    await scene.close();
  }
}

/** @returns how many calls were made, each of them over for its caller */
async function makeCalls(scene: Scene, options: RunOptions, over: AbortSignal): Promise<number> {
  const { trial, service, apiKey } = scene;
  const { calls, atOnce, onProgress, signal } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let next = 0;
  const caller = async () => {
    while (next < calls && trial.violations.length < MOST_VIOLATIONS && !signal?.aborted && !over.aborted) {
      const plan = trial.begin(next++);
      trial.saw(plan.id, await callService(plan, { port: service.port, agent, apiKey }));
      onProgress?.(trial.tally.calls);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
  agent.destroy();
  return next;
}

/** Waits until the service rests, looks at its books, and ends it. */
async function closeDown({ trial, upstream, service, strayLines }: Scene, calls: number): Promise<Closing> {
  let status = await service.status();
  await until(async () => {
    status = await service.status();
    return status.service.inFlight === 0 && inUse(status) === 0 && upstream.open === knownTo(status);
  });
  const openWithService = upstream.open;
  const metrics = await service.metrics();
  const exitCode = await service.stop();
  await until(async () => upstream.open === 0);
  // What outlives the service is not the service's: it is a socket of this process whose end Node has not noticed.
  const openUpstream = openWithService - upstream.open;
  return { calls, logged: trial.tally.outcomes, metrics, status, openUpstream, exitCode, strayLines };
}

/** Looks at the service's memory now and then. */
function watchMemory(service: ServiceProcess): { readonly peakBytes: number; stop(): void } {
  let peakBytes = 0;
  const look = async () => {
    const metrics = await service.metrics().catch(() => '');
    peakBytes = Math.max(peakBytes, sumOf(metrics, 'process_resident_memory_bytes'));
  };
  void look();
  const timer = setInterval(look, SAMPLE_MS);
  return {
    get peakBytes() {
      return peakBytes;
    },
    stop: () => clearInterval(timer),
  };
}

/** Asks again and again until it is so, for {@link SETTLE_LIMIT_MS} at most. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_LIMIT_MS;
  while (!(await isSo()) && performance.now() < deadlineMs) await sleep(20);
}
