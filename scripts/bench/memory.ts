import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contender } from './contenders.ts';
import type { Effort } from './cost.ts';
import type { Ground, Running } from './ground.ts';
import { closedLoop } from './load.ts';
import type { Measured } from './process.ts';
import { HUGE } from './setting.ts';

/** Resident memory of a contender, in MiB. */
export interface MemoryRow {
  readonly name: string;
  readonly id: string;
  readonly idleMiB: number;
  /** The most under 64 callers, and what is left when they have gone. */
  readonly busyMiB: number;
  readonly afterMiB: number;
  /** By how much it rises while 200 MiB are answered, to a caller that reads at once and to one that takes its time. */
  readonly fastRiseMiB: number;
  readonly slowRiseMiB: number;
  /** By how much it rises for a request of 10 MiB and its answer of 10 MiB. */
  readonly largeRiseMiB: number;
}

const MIB = 1_048_576;
const SAMPLE_EVERY_MS = 10;
const SETTLE_MS = 2_000;
const CALLS = 60_000;
/** What has been loaded and compiled lazily counts as idle. */
const FIRST_CALLS = 200;
/** A slow caller rests this long after each MiB: some 40 MiB a second. */
const REST_MS = 25;

/** Each contender is measured twice, in two processes, so that a heap that load has widened hides no rise. */
export async function memory(
  ground: Ground,
  contenders: readonly Contender[],
  { warmth }: Effort,
  onProgress: (text: string) => void,
): Promise<readonly MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const contender of contenders) {
    const underLoad = await withProcess(ground, contender, async (running, process) => {
      const idleMiB = process.rssBytes() / MIB;
      const busyMiB = await peak(process, () =>
        closedLoop(running, { size: 'small', callers: 64 }, Math.ceil(CALLS * warmth)),
      );
      await delay(SETTLE_MS * warmth);
      return { idleMiB, busyMiB, afterMiB: process.rssBytes() / MIB };
    });
    const rises = await withProcess(ground, contender, async (running, process) => ({
      fastRiseMiB: await rise(process, () => readHuge(running, 0)),
      slowRiseMiB: await rise(process, () => readHuge(running, REST_MS * warmth)),
      largeRiseMiB: await rise(process, () => closedLoop(running, { size: '10m', callers: 1 }, 1)),
    }));
    const { id, name } = contender;
    rows.push({ id, name, ...underLoad, ...rises });
    onProgress(`${id}: ${JSON.stringify({ ...underLoad, ...rises }, (_, value) => rounded(value))}`);
  }
  return rows;
}

async function withProcess<T>(
  ground: Ground,
  contender: Contender,
  work: (running: Running, process: Measured) => Promise<T>,
): Promise<T> {
  const running = await ground.run(contender);
  if (running.process === undefined) throw new TypeError(`${contender.name} has no process to be measured`);
  await closedLoop(running, { size: 'small', callers: 1 }, FIRST_CALLS);
  try {
    return await work(running, running.process);
  } finally {
    await running.stop();
  }
}

async function rise(process: Measured, work: () => Promise<unknown>): Promise<number> {
  const beforeMiB = process.rssBytes() / MIB;
  return (await peak(process, work)) - beforeMiB;
}

async function peak(process: Measured, work: () => Promise<unknown>): Promise<number> {
  let most = process.rssBytes();
  const timer = setInterval(() => {
    most = Math.max(most, process.rssBytes());
  }, SAMPLE_EVERY_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, process.rssBytes()) / MIB;
}

/** @param restMs how long the caller does not read after each MiB */
async function readHuge({ url, contender }: Running, restMs: number): Promise<void> {
  const { path, headers, body } = contender.request(HUGE.path, '{}');
  await new Promise<void>((resolve, reject) => {
    const options = { method: 'POST', headers: { ...headers, 'content-length': body.length } };
    const outgoing = request(url + path, options, (response) => {
      let bytes = 0;
      let restAt = MIB;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (restMs === 0 || bytes < restAt) return;
        restAt += MIB;
        response.pause();
        setTimeout(() => response.resume(), restMs);
      });
      response.on('end', () => {
        if (response.statusCode === 200 && bytes === HUGE.bytes) resolve();
        else reject(new Error(`${contender.name}: status ${response.statusCode} with ${bytes} bytes`));
      });
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value) : value;
}
