import { describe, expect, test } from 'vitest';
import { expectAnswer, setScene } from '../../support/scene.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

const HEADS = [
  ['neither a length nor chunks', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['HTTP/1.0 and no length', 'HTTP/1.0 200 OK\r\n\r\n'],
  ['a coding that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n'],
] as const;

describe.each(HEADS)('an answer with %s is passed, and unknown: a cut looks like its end', (_, head) => {
  test.each([
    { how: 'ended properly', isCut: false },
    { how: 'cut', isCut: true },
  ])('when the connection is $how', async ({ isCut }) => {
    const scene = await setScene((authority) =>
      startUpstream(authority, (connection) => {
        onRequest(connection, () =>
          connection.socket.write(`${head}half of it`, () => {
            if (isCut) connection.tcp.end();
            else connection.socket.end();
          }),
        );
      }),
    );

    expectAnswer(await scene.call(), 200, 'half of it', 'unknown');
  });
});

test('nor does a long one that is streamed tell where it ends', async () => {
  const text = 'x'.repeat(100_000);
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, () => connection.socket.end(`HTTP/1.1 200 OK\r\n\r\n${text}`));
    }),
  );

  expectAnswer(await scene.call(), 200, text, 'unknown');
});

test.each([
  ['a length', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  ['chunks', 'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 'ok'],
  ['HTTP/1.0 and a length', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  ['a status that has no body', 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n', ''],
])('an answer with %s is answered, though the connection ends with it', async (_, answer, body) => {
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, () => connection.socket.end(answer));
    }),
  );

  const call = await scene.call();

  expectAnswer(call, call.answer.status, body);
  expect(call.line.outcome).toBe('answered');
});
