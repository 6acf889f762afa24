import { expect, test } from 'vitest';
import { setScene } from '../../support/scene.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

test("the deadline in the middle of a streamed answer cuts the caller's connection", async () => {
  const scene = await setScene(
    (authority) =>
      startUpstream(authority, (connection) => {
        onRequest(connection, () =>
          connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(100_000)}`),
        );
      }),
    { UPSTREAM_TIMEOUT_MS: '400' },
  );

  const { answer, line } = await scene.call();

  expect(answer).toMatchObject({ status: 200, whole: false });
  // The header speaks when only the head is there; the log has the last word.
  expect(answer.headers['proxy-outcome']).toBe('answered');
  expect(line).toMatchObject({ status: 200, code: 'upstream_timeout', outcome: 'unknown' });
});
