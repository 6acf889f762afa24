import { once } from 'node:events';
import { expect, test } from 'vitest';
import { setPoolScene } from '../../support/pool.ts';

/** More than the buffers of two sockets take while nobody reads. */
const BODY = Buffer.alloc(12_000_000, 'x');
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

// Under load an answer often overtakes Node's word that the last byte of its request has left. Such connections were
// once thrown away as if the request had not been read: a fifth of all calls paid a handshake.
test('an answer that overtakes its request keeps the connection', async () => {
  const { begin, call, connections, upstream } = await setPoolScene({}, ({ socket }) => {
    socket.once('data', () => {
      socket.pause();
      socket.write(ANSWER);
    });
  });
  const headers = ['Host', 'pay.example', 'Content-Length', String(BODY.length)];

  const early = begin({ method: 'POST', headers, body: BODY });
  await early.ended;
  expect(early.trace.outcome).toBe('answered');
  const [first] = connections;
  if (first === undefined) throw new Error('there was no connection');
  first.socket.resume();
  while (first.socket.bytesRead < BODY.length) await once(first.socket, 'data');
  first.socket.on('data', () => first.socket.write(ANSWER));

  expect((await call()).reused).toBe(true);
  expect(upstream.connections).toBe(1);
});
