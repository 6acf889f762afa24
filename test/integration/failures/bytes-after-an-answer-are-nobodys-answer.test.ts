import { expect, test } from 'vitest';
import { expectAnswer, setScene } from '../../support/scene.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const LARGE = 'x'.repeat(100_000);

test.each([
  ['text', 'and more'],
  ['a second answer', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse'],
])("%s in one packet with an answer is nobody's answer", async (_, extra) => {
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, () => connection.socket.write(ANSWER + extra));
    }),
  );

  expectAnswer(await scene.call(), 200, 'ok');
  expectAnswer(await scene.call(), 200, 'ok');
  expect(scene.upstream.connections).toBe(2);
});

test("text behind a streamed answer is nobody's answer", async () => {
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, () =>
        connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE.length}\r\n\r\n${LARGE}and more`),
      );
    }),
  );

  expectAnswer(await scene.call(), 200, LARGE);
  expectAnswer(await scene.call(), 200, LARGE);
  expect(scene.upstream.connections).toBe(2);
});
