import { expect, test } from 'vitest';
import { until } from '../../support/event-loop.ts';
import { setPoolScene } from '../../support/pool.ts';
import { onRequest } from '../../support/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('calls one after the other share a connection, and none tells the server to close it', async () => {
  const { call, upstream } = await setPoolScene();

  const traces = [await call(), await call(), await call()];

  expect(traces.map(({ reused }) => reused)).toEqual([false, true, true]);
  expect(upstream.connections).toBe(1);
  expect(upstream.received.match(/GET \/ /g)).toHaveLength(3);
  expect(upstream.received).not.toMatch(/connection: *close/i);
});

test('calls at the same time have a connection each, and the one that was used last is used first', async () => {
  const requests: { readonly connection: number; answer(): void }[] = [];
  const { begin, status } = await setPoolScene({}, (connection) => {
    onRequest(connection, () =>
      requests.push({ connection: connection.index, answer: () => connection.socket.write(OK) }),
    );
  });
  /** The connections that so many calls at once go over. */
  const use = async (count: number): Promise<number[]> => {
    for (let index = 0; index < count; index += 1) begin();
    await until(() => requests.length === count);
    return requests.map(({ connection }) => connection);
  };
  /** Answers the waiting calls, that on the last of these connections last. */
  const answerInOrder = async (...order: readonly number[]): Promise<void> => {
    for (const connection of order) {
      const idle = status().idle;
      requests.find((request) => request.connection === connection)?.answer();
      await until(() => status().idle === idle + 1);
    }
    requests.length = 0;
  };

  expect(await use(3)).toHaveLength(3);
  await answerInOrder(1, 2, 0);
  expect(await use(1)).toEqual([0]);
  await answerInOrder(0);
  expect(await use(2)).toEqual([0, 2]);
  await answerInOrder(0, 2);
  expect(await use(1)).toEqual([2]);
});

test('an answer with "Connection: close" is the last on its connection', async () => {
  const { call, upstream } = await setPoolScene({}, (connection) => {
    onRequest(connection, () =>
      connection.socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'),
    );
  });

  expect(await call()).toMatchObject({ outcome: 'answered', reused: false });
  expect(await call()).toMatchObject({ outcome: 'answered', reused: false });
  expect(upstream.connections).toBe(2);
});

test('a hundred calls on one connection leave no listener behind', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const { call, upstream } = await setPoolScene();

  for (let index = 0; index < 100; index += 1) await call();

  process.off('warning', onWarning);
  expect(upstream.connections).toBe(1);
  expect(warnings).toEqual([]);
});

test('the bytes of a call are what was given, and nothing more than a Connection header', async () => {
  const { call, upstream } = await setPoolScene();
  const body = Buffer.from('{"amount":1.0}');

  await call({
    method: 'POST',
    path: '/pay?a=1%2F2',
    headers: ['Host', 'pay.example', 'X-Key', 'Ünï', 'Content-Length', String(body.length)],
    body,
  });

  const expected = 'POST /pay?a=1%2F2 HTTP/1.1\r\nHost: pay.example\r\nX-Key: Ünï\r\nContent-Length: 14\r\n';
  // Node 20 says "keep-alive", which HTTP/1.1 implies.
  expect(upstream.received.replace('Connection: keep-alive\r\n', '')).toBe(`${expected}\r\n{"amount":1.0}`);
});
