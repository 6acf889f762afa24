import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contender } from './contenders.ts';
import type { Effort } from './cost.ts';
import { type Figure, figure } from './figures.ts';
import type { Ground } from './ground.ts';

/** From the start of a process to its first 200 on `/`. */
export interface StartRow {
  readonly name: string;
  readonly id: string;
  readonly ms: Figure;
}

const TIMES = 10;
const GIVE_UP_MS = 30_000;

/** Starts each in turn, ten times; what a first start leaves for the next ones (a compile cache) is there from the second on. */
export async function starts(
  ground: Ground,
  contenders: readonly Contender[],
  { warmth }: Effort,
  onProgress: (text: string) => void,
): Promise<readonly StartRow[]> {
  const times = contenders.map((): number[] => []);
  for (let time = 0; time < Math.ceil(TIMES * warmth); time += 1) {
    for (const [at, contender] of contenders.entries()) {
      const running = await ground.launch(contender);
      const startedAtMs = running.process?.startedAtMs ?? Number.NaN;
      while (!(await isUp(running.url))) {
        if (performance.now() - startedAtMs > GIVE_UP_MS) throw new Error(`${contender.name} does not start`);
        await delay(1);
      }
      times[at]?.push(performance.now() - startedAtMs);
      await running.stop();
    }
  }
  onProgress(times.map((list, at) => `${contenders[at]?.id} ${figure(list).median.toFixed(0)} ms`).join(', '));
  return contenders.map(({ id, name }, at) => ({ id, name, ms: figure(times[at] ?? []) }));
}

function isUp(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = get(`${url}/`, { agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200));
    });
    asked.on('error', () => resolve(false));
  });
}
