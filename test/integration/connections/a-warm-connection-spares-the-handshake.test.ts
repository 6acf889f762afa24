import { expect, test } from 'vitest';
import { stopClock } from '../../support/clock.ts';
import { settleLoopback, until } from '../../support/event-loop.ts';
import { answerOk, setPoolScene } from '../../support/pool.ts';
import { expectAnswer, phasesOf, setScene } from '../../support/scene.ts';
import { startUpstream } from '../../support/upstream.ts';

const MINUTE_MS = 60_000;

test('a call soon after the start shows no dns, tcp or tls phase', async () => {
  const scene = await setScene((authority) => startUpstream(authority, answerOk), { UPSTREAM_WARM_CONNECTIONS: '1' });
  await until(() => scene.service.log.some(({ msg }) => msg === 'handshake completed'));

  const call = await scene.call();

  expectAnswer(call, 200, 'ok');
  expect(phasesOf(call).timed).toEqual(['send', 'wait', 'receive', 'total']);
  expect(call.line).toMatchObject({ reused: true });
});

test.each([
  { quiet: 'an hour', quietMs: 60 * MINUTE_MS, idleTimeoutMs: 5 * MINUTE_MS },
  { quiet: 'ten minutes', quietMs: 10 * MINUTE_MS, idleTimeoutMs: 30_000 },
  { quiet: 'half a minute', quietMs: 30_000, idleTimeoutMs: 1_000 },
])(
  'after $quiet of quiet with an idle limit of $idleTimeoutMs ms a call pays no handshake',
  async ({ quietMs, idleTimeoutMs }) => {
    const moveClock = stopClock();
    const { pool, call, status, upstream } = await setPoolScene({
      warmConnections: 1,
      idleTimeoutMs,
      // The clock moves in leaps, in which a handshake has no time of its own.
      connectTimeoutMs: idleTimeoutMs,
    });
    pool.keepWarm();
    await until(() => status().idle === 1);

    for (let passedMs = 0; passedMs < quietMs; passedMs += idleTimeoutMs / 4) {
      moveClock(idleTimeoutMs / 4);
      await until(() => status().opening === 0);
      expect(status().idle).toBeGreaterThanOrEqual(1);
    }

    expect((await call()).phasesMs).not.toHaveProperty('tls');
    expect(upstream.received.match(/GET \/ /g)).toHaveLength(1);
    // Each lasts for three quarters of the limit, and there are never more than itself and its successor.
    expect(upstream.connections).toBeLessThanOrEqual(quietMs / (idleTimeoutMs * 0.75) + 1);
    expect(status().idle).toBeLessThanOrEqual(2);
  },
);

test('as many connections are held as UPSTREAM_WARM_CONNECTIONS says, those in use among them', async () => {
  const { pool, begin, status, upstream } = await setPoolScene({ warmConnections: 3 }, () => undefined);
  pool.keepWarm();
  await until(() => status().idle === 3);

  begin();
  begin();
  await until(() => upstream.received.match(/GET \/ /g)?.length === 2);

  expect(status()).toMatchObject({ idle: 1, busy: 2, opening: 0 });
  expect(upstream.connections).toBe(3);
});

test.each([
  { why: 'UPSTREAM_WARM_CONNECTIONS is 0', warmConnections: 0, idleTimeoutMs: 30_000 },
  { why: 'an idle limit of under a second makes them useless', warmConnections: 1, idleTimeoutMs: 999 },
])('none is held where $why', async ({ warmConnections, idleTimeoutMs }) => {
  const { pool, call, status, upstream } = await setPoolScene({ warmConnections, idleTimeoutMs });
  pool.keepWarm();
  await settleLoopback();
  expect(status()).toMatchObject({ idle: 0, opening: 0 });

  expect((await call()).outcome).toBe('answered');
  expect(upstream.connections).toBe(1);
});
