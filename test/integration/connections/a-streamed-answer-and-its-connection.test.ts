import { expect, test } from 'vitest';
import { until } from '../../support/event-loop.ts';
import { setPoolScene } from '../../support/pool.ts';
import { onRequest } from '../../support/upstream.ts';

test('a connection that has carried a streamed answer is used again', async () => {
  const { begin, upstream } = await setPoolScene({}, (connection) => {
    onRequest(connection, () =>
      connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n${'x'.repeat(500_000)}`),
    );
  });

  for (const reused of [false, true]) {
    const { answer, ended, trace } = begin();
    const { body } = await answer;
    if (Buffer.isBuffer(body)) throw new Error('the answer was held');
    body.resume();
    await ended;
    expect(trace).toMatchObject({ outcome: 'answered', reused, bytesReceived: 500_000 });
  }
  expect(upstream.connections).toBe(1);
});

test.each([65_537, 70_000, 80_000, 500_000])(
  'an answer of %i bytes that is read late outlives its connection',
  async (bytes) => {
    const { begin, status } = await setPoolScene({}, (connection) => {
      onRequest(connection, () =>
        connection.socket.end(
          `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`,
        ),
      );
    });
    const { answer, ended, trace } = begin();
    const { body } = await answer;
    if (Buffer.isBuffer(body)) throw new Error('the answer was held');
    // What is in the answer's own buffer is all of it, up to its high-water mark; else the connection waits for it.
    if (bytes <= 80_000) await until(() => status().busy === 0);

    let received = 0;
    for await (const chunk of body) received += chunk.length;
    await ended;

    expect(received).toBe(bytes);
    expect(trace).toMatchObject({ outcome: 'answered', failure: undefined });
  },
);
