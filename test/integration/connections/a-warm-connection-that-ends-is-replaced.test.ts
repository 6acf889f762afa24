import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { stopClock } from '../../support/clock.ts';
import { settleLoopback, until } from '../../support/event-loop.ts';
import { openPool, type PoolScene, setPoolScene } from '../../support/pool.ts';
import { startTcpUpstream } from '../../support/tcp-upstream.ts';
import type { UpstreamConnection } from '../../support/upstream.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** The clock moves on in leaps, in which a handshake has no time of its own: it may take as long. */
const LEAP_MS = 15 * MINUTE_MS;

const ENDS: readonly (readonly [string, (connection: UpstreamConnection) => void])[] = [
  ['an end', ({ socket }) => socket.end()],
  ['a reset', ({ tcp }) => tcp.resetAndDestroy()],
  ['an unasked 408', ({ socket }) => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n')],
  ['bytes without an end', ({ socket }) => socket.write('?')],
];

test.each(ENDS)('after %s there is another one, within a second', async (_, end) => {
  const moveClock = stopClock();
  const { pool, status, connections } = await setPoolScene({ warmConnections: 1 });
  pool.keepWarm();
  await until(() => status().idle === 1);
  moveClock(20 * SECOND_MS);

  connections.forEach(end);
  await until(() => status().idle === 0);
  moveClock(SECOND_MS);

  await until(() => status().idle === 1);
  expect(connections).toHaveLength(2);
});

/** Lets a host end its warm connections three times, each so long after they were opened. */
async function endThreeTimes(
  { pool, status, connections }: PoolScene,
  end: (connection: UpstreamConnection) => void,
  afterMs: number,
  moveClock: (ms: number) => void,
): Promise<void> {
  pool.keepWarm();
  for (let times = 1; times <= 3; times += 1) {
    await until(() => status().idle === 2);
    moveClock(afterMs);
    connections.slice(-2).forEach(end);
    await until(() => status().idle === 0);
    await settleLoopback();
    expect(connections).toHaveLength(2 * times);
    if (times < 3) moveClock(2 * SECOND_MS);
  }
}

test.each(ENDS)(
  'a host that answers three in a row with %s within 5 s is left alone for ten minutes',
  async (_, end) => {
    const moveClock = stopClock();
    const scene = await setPoolScene({ warmConnections: 2 });
    await endThreeTimes(scene, end, 4 * SECOND_MS, moveClock);

    moveClock(10 * MINUTE_MS - 1);
    await settleLoopback();
    expect(scene.status()).toMatchObject({ idle: 0, opening: 0 });
    moveClock(1);
    await until(() => scene.status().idle === 2);
  },
);

test('a host that ends them at once is left alone until that is forgotten, and then tried again', async () => {
  const moveClock = stopClock();
  const scene = await setPoolScene({ warmConnections: 2, connectTimeoutMs: LEAP_MS });
  await endThreeTimes(scene, ({ socket }) => socket.end(), 0, moveClock);

  moveClock(59 * MINUTE_MS);
  await settleLoopback();
  expect(scene.status()).toMatchObject({ idle: 0, opening: 0 });
  moveClock(LEAP_MS);
  await until(() => scene.status().idle === 2);
});

test('a host that refuses is tried again, ever more seldom, and told of once', async () => {
  const moveClock = stopClock();
  const news: string[] = [];
  let attempts = 0;
  const upstream = await startTcpUpstream((socket) => {
    attempts += 1;
    socket.once('data', () => socket.resetAndDestroy());
  });
  onTestFinished(() => upstream.close());
  const onHandshake = (_host: unknown, result: string, isNews: boolean) => {
    if (isNews) news.push(result);
  };
  const { pool, status } = await openPool(await createAuthority(), `localhost:${upstream.port}`, {
    warmConnections: 3,
    observer: { onHandshake },
  });

  pool.keepWarm();
  await until(() => attempts === 3 && status().opening === 0);
  for (const restSeconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
    const before = attempts;
    moveClock((restSeconds * SECOND_MS) / 2 - 1);
    await settleLoopback();
    expect(attempts).toBe(before);
    // In steps, since a handshake has no time of its own while the clock leaps.
    for (let steps = 0; attempts === before && steps <= restSeconds; steps += 1) {
      moveClock(SECOND_MS / 2 + 1);
      await until(() => status().opening === 0);
    }
    expect(attempts).toBe(before + 3);
  }

  expect(news).toEqual(['upstream_handshake_failed']);
});

test('a failed call does not leave the host without a warm connection', async () => {
  const moveClock = stopClock();
  const sockets: Socket[] = [];
  const upstream = await startTcpUpstream((socket) => sockets.push(socket));
  onTestFinished(() => upstream.close());
  const { pool, begin, status } = await openPool(await createAuthority(), `localhost:${upstream.port}`, {
    warmConnections: 1,
  });
  pool.keepWarm();
  await until(() => sockets.length === 1);
  sockets[0]?.destroy();
  await until(() => status().opening === 0);

  // The rest is over while a call's own connection is under way, which is enough for the while.
  const call = begin();
  await until(() => sockets.length === 2);
  moveClock(SECOND_MS);
  await settleLoopback();
  expect(sockets).toHaveLength(2);
  sockets[1]?.destroy();

  await call.ended;
  await until(() => sockets.length === 3);
});
