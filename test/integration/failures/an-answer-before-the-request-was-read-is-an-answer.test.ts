import { expect, test } from 'vitest';
import { expectAnswer, setScene } from '../../support/scene.ts';
import { startUpstream } from '../../support/upstream.ts';

/** More than the buffers of two sockets hold, so that the proxy cannot have sent it all. */
const BODY_BYTES = 12_000_000;

const LIMITS = { MAX_REQUEST_BYTES: String(2 * BODY_BYTES) };

test('an answer before the request was read is an answer, and its connection is not used again', async () => {
  const scene = await setScene(
    (authority) =>
      startUpstream(authority, ({ socket }) => {
        socket.once('data', () => {
          socket.pause();
          socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig');
        });
      }),
    LIMITS,
  );
  const envelope = { method: 'POST', path: '/pay', body: 'x'.repeat(BODY_BYTES) };

  expectAnswer(await scene.call(envelope), 413, 'big');
  expectAnswer(await scene.call(envelope), 413, 'big');
  expect(scene.upstream.connections).toBe(2);
});
