import { expect, test } from 'vitest';
import { post } from '../../support/caller.ts';
import { setScene, startTellingUpstream, type Told } from './scene.ts';

const CALLERS = 32;
const SWAPS = 10;
/** Calls that begin after a swap and end before the next. */
const CALLS_BETWEEN = 50;
/** A busy machine takes its time for some thousand handshakes. */
const TIME_LIMIT_MS = 60_000;

test(
  'a certificate swapped ten times under load loses no call, and every call after a swap shows the new one',
  async () => {
    const { authority, upstream } = await startTellingUpstream();
    const { service, issue } = await setScene(authority, upstream.port, { UPSTREAM_WARM_CONNECTIONS: '2' });
    let swaps = 0;
    let isOver = false;
    const failures: string[] = [];
    const answers = new Map<number, number>();
    let onCall = () => {};

    const caller = async () => {
      while (!isOver) {
        const begunAfter = swaps;
        const answer = await post(service.port, { method: 'POST', path: '/pay', body: { amount: 1 } });
        const told: Told | undefined = answer.status === 200 ? JSON.parse(answer.body.toString()) : undefined;
        const generation = Number(told?.client.replace('generation-', ''));
        if (answer.headers['proxy-outcome'] !== 'answered') failures.push(`${answer.status} ${answer.body}`);
        else if (told?.isResumed !== false || generation < begunAfter) failures.push(JSON.stringify(told));
        else answers.set(generation, (answers.get(generation) ?? 0) + 1);
        onCall();
      }
    };
    /** Resolves when so many calls have been answered that were begun with the newest certificate in force. */
    const answersOf = (generation: number) =>
      new Promise<void>((resolve) => {
        onCall = () => {
          if (failures.length > 0 || (answers.get(generation) ?? 0) >= CALLS_BETWEEN) resolve();
        };
      });

    await service.reload(await issue('generation-0'));
    const callers = Array.from({ length: CALLERS }, caller);
    await answersOf(0);
    for (let generation = 1; generation <= SWAPS; generation += 1) {
      await service.reload(await issue(`generation-${generation}`));
      swaps = generation;
      await answersOf(generation);
    }
    isOver = true;
    await Promise.all(callers);

    const calls = [...answers.values()].reduce((sum, count) => sum + count, 0);
    console.log(`${SWAPS} swaps under ${CALLERS} callers: ${calls} calls answered, ${failures.length} failed`);
    expect(failures).toEqual([]);
    expect(answers.size).toBe(SWAPS + 1);
    expect(service.log.filter(({ msg }) => msg === 'reloaded')).toHaveLength(SWAPS + 1);
  },
  TIME_LIMIT_MS,
);
