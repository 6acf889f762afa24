import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openSlowLink } from '../../../scripts/bench/slow-link.ts';

test('a slow link delays every piece, the first by a round trip more, and keeps bytes and their order', async () => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const link = await openSlowLink((server.address() as AddressInfo).port, 20);
  const client = connect(link.port, '127.0.0.1');
  onTestFinished(() => {
    client.destroy();
    link.close();
    server.close();
  });
  let received = '';
  const echoOf = async (text: string): Promise<number> => {
    const startedAtMs = performance.now();
    for (const letter of text) client.write(letter);
    for (received = ''; received.length < text.length; ) received += String(await once(client, 'data'));
    return performance.now() - startedAtMs;
  };

  expect(await echoOf('first')).toBeGreaterThanOrEqual(79);
  expect(received).toBe('first');
  expect(await echoOf('second')).toBeGreaterThanOrEqual(39);
  expect(received).toBe('second');
});
