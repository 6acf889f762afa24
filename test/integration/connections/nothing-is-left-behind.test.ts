import { expect, onTestFinished, test, vi } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { stopClock } from '../../support/clock.ts';
import { settleLoopback, until } from '../../support/event-loop.ts';
import { answerOk, openPool, setPoolScene } from '../../support/pool.ts';
import { startTcpUpstream } from '../../support/tcp-upstream.ts';
import { onRequest, type UpstreamConnection } from '../../support/upstream.ts';

/** The sockets of this process, those of other tests and of their runner included. */
const sockets = () => process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Socket/.test(kind)).length;

test('a closed pool has neither sockets nor timers, and opens nothing more', async () => {
  stopClock();
  const { pool, call, status, connections, upstream } = await setPoolScene({ warmConnections: 3 });
  const socketsBefore = sockets();
  pool.keepWarm();
  await until(() => status().idle === 3);
  await call();
  await until(() => status().idle === 3);

  pool.close();

  expect(vi.getTimerCount()).toBe(0);
  await until(() => connections.every(({ socket }) => socket.destroyed));
  await until(() => sockets() === socketsBefore);
  expect(status()).toMatchObject({ idle: 0, busy: 0, opening: 0 });
  expect(upstream.connections).toBe(3);
});

test('a pool that is closed while connections are being made gives them up', async () => {
  stopClock();
  const upstream = await startTcpUpstream(() => undefined);
  onTestFinished(() => upstream.close());
  const { pool, status } = await openPool(await createAuthority(), `localhost:${upstream.port}`, {
    warmConnections: 3,
  });
  pool.keepWarm();
  await until(() => upstream.connections === 3);

  pool.close();

  await until(() => status().opening === 0);
  expect(vi.getTimerCount()).toBe(0);
});

test('a pool that is closed while a host rests does not come back to it', async () => {
  stopClock();
  const upstream = await startTcpUpstream((socket) => socket.destroy());
  onTestFinished(() => upstream.close());
  const { pool, status } = await openPool(await createAuthority(), `localhost:${upstream.port}`, {
    warmConnections: 1,
  });
  pool.keepWarm();
  await until(() => status().lastHandshake !== undefined);

  pool.close();

  expect(vi.getTimerCount()).toBe(0);
});

test('a closed pool lets the call in flight finish, and still serves a new one', async () => {
  const waiting: UpstreamConnection[] = [];
  const { pool, begin, status } = await setPoolScene({}, (connection) => {
    onRequest(connection, () => waiting.push(connection));
  });
  const inFlight = begin();
  await until(() => waiting.length === 1);

  pool.close();
  const late = begin();
  await until(() => waiting.length === 2);
  for (const { socket } of waiting) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await Promise.all([inFlight.ended, late.ended]);

  expect([inFlight.trace.outcome, late.trace.outcome]).toEqual(['answered', 'answered']);
  await until(() => status().busy === 0);
  expect(status()).toMatchObject({ idle: 0, opening: 0 });
});

const ENDINGS: readonly (readonly [string, (connection: UpstreamConnection) => void])[] = [
  ['an answer', answerOk],
  [
    'an answer that ends its connection',
    (connection) =>
      onRequest(connection, () =>
        connection.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
      ),
  ],
  ['a reset', (connection) => onRequest(connection, () => connection.tcp.resetAndDestroy())],
  ['a reset before it', ({ tcp }) => tcp.resetAndDestroy()],
  ['nonsense', (connection) => onRequest(connection, () => connection.socket.write('nonsense\r\n\r\n'))],
  [
    'a switch of protocols',
    (connection) =>
      onRequest(connection, () =>
        connection.socket.write('HTTP/1.1 101 Odd\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n'),
      ),
  ],
];

test.each(ENDINGS)('a call that ends with %s leaves no timer behind', async (_, script) => {
  const moveClock = stopClock();
  const { begin, pool, status } = await setPoolScene({}, script);
  const { ended } = begin();
  await settleLoopback();
  moveClock(100);

  await ended;
  await until(() => status().busy === 0);

  // The one that may be left watches over the idle connection.
  expect(vi.getTimerCount()).toBe(status().idle);
  pool.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('a call that ends at its deadline leaves no timer behind', async () => {
  const moveClock = stopClock();
  const { begin, status, upstream } = await setPoolScene({}, () => undefined);
  const { ended, trace } = begin({}, 1_000);
  await until(() => upstream.received !== '');

  moveClock(1_000);
  await ended;

  expect(trace).toMatchObject({ failure: 'upstream_timeout', outcome: 'unknown' });
  await until(() => status().busy === 0);
  expect(vi.getTimerCount()).toBe(0);
});
