import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { settleLoopback } from '../../support/event-loop.ts';
import { setScene } from '../../support/scene.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

const CHUNK_BYTES = 65_536;
/** Far more than all buffers on the way to the caller hold. */
const CHUNKS = 500;

test('a slow caller loses nothing of a streamed answer, and the payment API is slowed down with it', async () => {
  let chunksSent = 0;
  const send = (socket: TLSSocket): void => {
    while (chunksSent < CHUNKS) {
      chunksSent += 1;
      if (!socket.write(Buffer.alloc(CHUNK_BYTES, 'x'))) {
        socket.once('drain', () => send(socket));
        return;
      }
    }
  };
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, () => {
        connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${CHUNKS * CHUNK_BYTES}\r\n\r\n`);
        send(connection.socket);
      });
    }),
  );
  let onHead: (answer: IncomingMessage) => void = () => {};
  const head = new Promise<IncomingMessage>((resolve) => {
    onHead = resolve;
  });
  // It pauses after its first piece, in which `post` has put its own listener on the answer.
  const call = scene.call(undefined, {
    onHead: (answer) => {
      answer.once('data', () => answer.pause());
      onHead(answer);
    },
  });

  const answer = await head;
  for (let before = -1; before !== chunksSent; await settleLoopback()) before = chunksSent;
  expect(chunksSent).toBeLessThan(CHUNKS);
  answer.resume();

  const { answer: received, line } = await call;
  expect(received).toMatchObject({ status: 200, whole: true });
  expect(received.body).toHaveLength(CHUNKS * CHUNK_BYTES);
  expect(line).toMatchObject({ outcome: 'answered', bytesReceived: CHUNKS * CHUNK_BYTES });
});
