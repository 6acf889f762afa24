import { afterEach, expect, test, vi } from 'vitest';
import { stopClock } from '../../support/clock.ts';
import { until } from '../../support/event-loop.ts';
import { setPoolScene } from '../../support/pool.ts';
import { gone, onRequest, type UpstreamConnection } from '../../support/upstream.ts';

afterEach(() => vi.restoreAllMocks());

const answerWithHint = (seconds: number) => (connection: UpstreamConnection) =>
  onRequest(connection, () =>
    connection.socket.write(`HTTP/1.1 200 OK\r\nKeep-Alive: timeout=${seconds}\r\nContent-Length: 2\r\n\r\nok`),
  );

test('an idle connection is closed a second before the provider would close it', async () => {
  const moveClock = stopClock();
  const { call, status, connections } = await setPoolScene({}, answerWithHint(5));
  await call();
  await until(() => status().idle === 1);
  expect(status().idleLimitMs.used).toBe(4_000);

  moveClock(3_999);
  expect((await call()).reused).toBe(true);
  await until(() => status().idle === 1);
  const closed = connections.map(gone);
  moveClock(4_000);

  await Promise.all(closed);
  expect(await call()).toMatchObject({ outcome: 'answered', reused: false });
});

test('a connection that is too old when the call comes is not used, though no timer has run yet', async () => {
  const { call, status } = await setPoolScene({}, answerWithHint(5));
  await call();
  await until(() => status().idle === 1);

  const tooOldAtMs = performance.now() + 4_000;
  vi.spyOn(performance, 'now').mockReturnValue(tooOldAtMs);

  expect(await call()).toMatchObject({ outcome: 'answered', reused: false });
});

test('where the hint leaves less than a second, every call has a new connection', async () => {
  const { call, upstream } = await setPoolScene({}, answerWithHint(1));

  expect((await call()).reused).toBe(false);
  expect((await call()).reused).toBe(false);
  expect(upstream.connections).toBe(2);
});
