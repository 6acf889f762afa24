import { describe, expect, test } from 'vitest';
import { stopClock } from '../../support/clock.ts';
import { until } from '../../support/event-loop.ts';
import { type PoolScene, setPoolScene } from '../../support/pool.ts';
import { gone, onRequest, type UpstreamConnection } from '../../support/upstream.ts';

const PROVIDER_IDLE_MS = 2_000;
const LEARNED_MS = 1_600;

type MoveClock = (ms: number) => void;

/** Makes a call, and lets the connection rest until the provider's time for idle ones is up. */
async function callAndRest({ call, status }: PoolScene, moveClock: MoveClock): Promise<void> {
  await call();
  await until(() => status().idle === 1);
  moveClock(PROVIDER_IDLE_MS);
}

/** The provider ends its newest connection, and the pool notices. */
async function endNewest({ connections, status }: PoolScene, end: (connection: UpstreamConnection) => void) {
  const newest = connections.at(-1);
  if (newest) end(newest);
  await until(() => status().idle === 0);
}

describe.each([
  ['an end', ({ socket }: UpstreamConnection) => socket.end()],
  ['a reset', ({ tcp }: UpstreamConnection) => tcp.resetAndDestroy()],
  ['an unasked 408', ({ socket }: UpstreamConnection) => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n')],
])('a provider that closes idle connections with %s', (_, end) => {
  test('is undercut from the fourth time on', async () => {
    const moveClock = stopClock();
    const scene = await setPoolScene();
    for (let times = 0; times < 3; times += 1) {
      expect(scene.status().idleLimitMs.used).toBe(30_000);
      await callAndRest(scene, moveClock);
      await endNewest(scene, end);
    }

    expect(scene.status().idleLimitMs).toEqual({ used: LEARNED_MS, unused: 30_000 });
    await scene.call();
    await until(() => scene.status().idle === 1);
    const newest = scene.connections.at(-1);
    const closed = newest && gone(newest);
    moveClock(LEARNED_MS);
    await closed;
    expect((await scene.call()).reused).toBe(false);
  });
});

test('a provider that closes at the very moment of use is learned too', async () => {
  const moveClock = stopClock();
  const scene = await setPoolScene({}, (connection) => {
    let isFirst = true;
    onRequest(connection, () => {
      if (isFirst) connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else connection.tcp.resetAndDestroy();
      isFirst = false;
    });
  });

  for (let times = 0; times < 3; times += 1) {
    await callAndRest(scene, moveClock);
    expect(await scene.call()).toMatchObject({ outcome: 'unknown', failure: 'upstream_reset', reused: true });
    await until(() => scene.status().busy === 0);
  }

  expect(scene.status().idleLimitMs.used).toBe(LEARNED_MS);
});

test('a provider that cuts calls it has worked on teaches nothing of its idle time', async () => {
  const moveClock = stopClock();
  let cut: (() => void) | undefined;
  const scene = await setPoolScene({}, (connection) => {
    let requests = 0;
    onRequest(connection, () => {
      requests += 1;
      if (requests === 1) connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else cut = () => connection.tcp.resetAndDestroy();
    });
  });

  for (let times = 0; times < 3; times += 1) {
    await callAndRest(scene, moveClock);
    const { ended } = scene.begin();
    await until(() => cut !== undefined);
    moveClock(1_000);
    cut?.();
    cut = undefined;
    await ended;
    await until(() => scene.status().busy === 0);
  }

  expect(scene.status().idleLimitMs.used).toBe(30_000);
});

test('a restart of the provider, which ends all connections at once, is one lesson', async () => {
  const moveClock = stopClock();
  const waiting: UpstreamConnection[] = [];
  const scene = await setPoolScene({}, (connection) => onRequest(connection, () => waiting.push(connection)));
  const calls = Array.from({ length: 5 }, () => scene.begin());
  await until(() => waiting.length === calls.length);
  for (const { socket } of waiting) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await until(() => scene.status().idle === calls.length);
  moveClock(PROVIDER_IDLE_MS);

  for (const { tcp } of scene.connections) tcp.resetAndDestroy();
  await until(() => scene.status().idle === 0);

  expect(scene.status().idleLimitMs.used).toBe(30_000);
});
