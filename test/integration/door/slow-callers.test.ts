import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { post } from '../../support/caller.ts';
import { callRaw, type RawCaller } from '../../support/raw-caller.ts';
import { startService } from '../../support/service.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../../support/upstream.ts';
import { newKey, PAYMENT } from './door.ts';

const SLOW_HEADS = 95;
const SLOW_BODIES = 95;
/** Fewer, since each fills all buffers on its way. */
const SLOW_READERS = 10;
const NORMAL_CALLS = 50;

/** Far more than all buffers on the way hold. */
const LARGE_BYTES = 100_000_000;

/** Writes a large answer as fast as its reader takes it. */
function pour({ socket }: UpstreamConnection): void {
  const chunk = Buffer.alloc(65_536);
  const write = () => {
    while (socket.writable && socket.write(chunk)) {
      // Until its buffer is full.
    }
  };
  socket.on('drain', write);
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE_BYTES}\r\n\r\n`);
  write();
}

function times<T>(count: number, step: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, step));
}

test('200 callers that are as slow as they can be do not keep another one from being served', async () => {
  const authority = await createAuthority();
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, (request) => {
      if (request.startsWith('GET /large')) pour(connection);
      else connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    });
  });
  const key = newKey();
  const pass = { Authorization: `Bearer ${key}` };
  const settings = { PROXY_API_KEYS: `shop:${key}`, HOST: '127.0.0.1', UPSTREAM_TIMEOUT_MS: '120000' };
  const service = await startService({ authority, upstreamPorts: [upstream.port], settings });
  const slow: RawCaller[] = [];
  onTestFinished(async () => {
    for (const { socket } of slow) socket.destroy();
    await service.close();
    await upstream.close();
  });
  const start = ['POST /proxy HTTP/1.1', 'Host: x', `Authorization: Bearer ${key}`, 'Content-Type: application/json'];
  const speak = async (...lines: readonly string[]): Promise<RawCaller> => {
    const caller = await callRaw(service.port);
    await caller.send(lines.join('\r\n'));
    slow.push(caller);
    return caller;
  };

  const envelope = JSON.stringify({ method: 'GET', path: '/large' });
  await times(SLOW_READERS, async () => {
    const caller = await speak(...start, `Content-Length: ${envelope.length}`, '', envelope);
    await caller.reads(/^HTTP\/1\.1 200 OK/);
    caller.socket.pause();
  });
  await times(SLOW_BODIES, async () => {
    const caller = await speak(...start, 'Expect: 100-continue', 'Content-Length: 100', '', '');
    await caller.reads(/^HTTP\/1\.1 100 Continue/);
    await caller.send('{"method":');
  });
  await times(SLOW_HEADS, () => speak(...start, 'X-Sl'));

  const statuses: number[] = [];
  for (let count = 0; count < NORMAL_CALLS; count++) {
    statuses.push((await post(service.port, PAYMENT, { headers: pass })).status);
  }

  expect(statuses).toEqual(Array(NORMAL_CALLS).fill(200));
  expect(slow).toHaveLength(200);
  // On a busy machine this may take longer than the 10 s that they have.
  const gone = slow.filter(({ socket, text }) => socket.destroyed && !text.includes('"request_timeout"'));
  expect(gone).toEqual([]);
}, 120_000);
