/**
 * `npm run soak -- --minutes 10 --rate 200`: the service under a steady rate of calls, and what becomes of its memory and
 * its file descriptors. It ends with 1 if either grows.
 */
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { OURS } from './bench/contenders.ts';
import { median } from './bench/figures.ts';
import { Ground } from './bench/ground.ts';
import { timeCall } from './bench/load.ts';
import { readOptions } from './command-line.ts';

const SAMPLE_EVERY_MS = 5_000;
/** V8 takes this much more or less between two collections; a leak of 1 KiB a call would show within a minute. */
const FLAT_MIB = 24;
const FLAT_DESCRIPTORS = 8;
/** The share of the run in which caches fill and code is compiled. */
const WARM_UP = 0.3;

interface Sample {
  readonly rssMiB: number;
  readonly descriptors: number;
}

const { minutes, rate } = readOptions('npm run soak -- [--minutes N] [--rate N]', {
  minutes: { type: 'string', default: '10' },
  rate: { type: 'string', default: '200' },
});
process.exit((await soak(positive('minutes', minutes) * 60_000, positive('rate', rate))) ? 0 : 1);

async function soak(durationMs: number, perSecond: number): Promise<boolean> {
  const ground = await Ground.open(process.execPath);
  const service = await ground.run(OURS);
  const { process: measured } = service;
  if (measured === undefined) throw new TypeError('The service has a process');
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let calls = 0;
  let failed = 0;
  const timer = setInterval(() => {
    calls += 1;
    timeCall(service, 'small', agent).catch(() => {
      failed += 1;
    });
  }, 1000 / perSecond);
  const samples: Sample[] = [];
  for (const endsAtMs = Date.now() + durationMs; Date.now() < endsAtMs; ) {
    await delay(Math.min(SAMPLE_EVERY_MS, durationMs / 10));
    const sample = { rssMiB: measured.rssBytes() / 1_048_576, descriptors: measured.descriptors() };
    samples.push(sample);
    console.log(`${calls} calls, ${failed} failed, ${sample.rssMiB.toFixed(1)} MiB, ${sample.descriptors} descriptors`);
  }
  clearInterval(timer);
  agent.destroy();
  return verdict(samples, failed);
}

/** Compares the last third of what came after the warm-up with the first. */
function verdict(samples: readonly Sample[], failed: number): boolean {
  const settled = samples.slice(Math.floor(samples.length * WARM_UP));
  const third = Math.ceil(settled.length / 3);
  const grown = (pick: (sample: Sample) => number) =>
    median(settled.slice(-third).map(pick)) - median(settled.slice(0, third).map(pick));
  const memoryMiB = grown(({ rssMiB }) => rssMiB);
  const descriptors = grown((sample) => sample.descriptors);
  console.log(`Memory grew by ${memoryMiB.toFixed(1)} MiB, descriptors by ${descriptors}; ${failed} calls failed.`);
  return failed === 0 && memoryMiB < FLAT_MIB && descriptors < FLAT_DESCRIPTORS;
}

function positive(name: string, text: string): number {
  if (Number(text) > 0) return Number(text);
  console.error(`--${name} takes a number above 0.`);
  process.exit(2);
}
