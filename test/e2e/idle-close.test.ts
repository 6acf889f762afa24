import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { endingOf } from './support/calls.ts';
import { startNginx } from './support/nginx.ts';
import { type ProxyProcess, startProxy } from './support/proxy.ts';
import { startRelay } from './support/relay.ts';

const ONE_WAY_MS = 100;
const CALLS_A_ROUND = 25;
const ROUNDS_AFTER_LEARNING = 6;
const MOST_ROUNDS = 16;
/**
 * When the calls of a round begin, counted from the last answer of the round before. A connection is closed 2 s after its
 * answer was sent, so what has not been sent one round trip earlier meets a closed one.
 */
const FIRST_AT_MS = 1_850;
const LAST_AT_MS = 1_900;

const authority = await createAuthority();

/** nginx, which closes idle connections after 2 s, and the service, 100 ms away from it. */
async function startBoth(keepAliveTimeout: string): Promise<ProxyProcess> {
  const nginx = await startNginx({
    authority,
    directives: `keepalive_timeout ${keepAliveTimeout};`,
    location: 'return 200 ok;',
  });
  const relay = await startRelay(nginx.port, ONE_WAY_MS);
  return startProxy({ authority, upstreamPort: relay.port });
}

/** A round of calls, each on a connection of its own, at just the age at which the provider closes it. */
async function failuresOfARound(proxy: ProxyProcess): Promise<number> {
  const calls = Array.from({ length: CALLS_A_ROUND }, async (_, index) => {
    await delay(FIRST_AT_MS + ((LAST_AT_MS - FIRST_AT_MS) * index) / CALLS_A_ROUND);
    return endingOf(await post(proxy.port, { method: 'POST', path: '/pay', body: { index } }));
  });
  const endings = await Promise.all(calls);
  return endings.filter((ending) => ending !== 'answered 200').length;
}

const perThousand = (failed: number, rounds: number) => Math.round((failed / (rounds * CALLS_A_ROUND)) * 1000);

test('a provider that closes idle connections after 2 s, without a hint, costs calls only until it is known', async () => {
  const proxy = await startBoth('2s');
  await failuresOfARound(proxy);
  const before = { rounds: 0, failed: 0 };
  const after = { rounds: 0, failed: 0 };

  while (after.rounds < ROUNDS_AFTER_LEARNING && before.rounds + after.rounds < MOST_ROUNDS) {
    const { idleLimitMs } = await proxy.connections();
    const phase = idleLimitMs.used < 2_000 ? after : before;
    phase.failed += await failuresOfARound(proxy);
    phase.rounds += 1;
  }

  const figures = { before: perThousand(before.failed, before.rounds), after: perThousand(after.failed, after.rounds) };
  console.log(
    `idle close after 2 s, no hint: ${figures.before} of 1000 calls failed in the ${before.rounds} rounds before it was ` +
      `learned, ${figures.after} of 1000 in the ${after.rounds} after`,
  );
  expect(after.rounds).toBe(ROUNDS_AFTER_LEARNING);
  expect(figures.before).toBeGreaterThan(0);
  expect(figures.after).toBeLessThanOrEqual(5);
});

test('a provider that says Keep-Alive: timeout=2 costs no call at all', async () => {
  const proxy = await startBoth('2s 2s');
  await failuresOfARound(proxy);
  let failed = 0;

  for (let rounds = 0; rounds < ROUNDS_AFTER_LEARNING; rounds += 1) failed += await failuresOfARound(proxy);

  console.log(`idle close after 2 s, with a hint: ${perThousand(failed, ROUNDS_AFTER_LEARNING)} of 1000 calls failed`);
  expect(failed).toBe(0);
});
