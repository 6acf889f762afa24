import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { callRaw, rawCall } from '../support/raw-caller.ts';
import { environmentFor } from '../support/service.ts';
import { startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream } from '../support/upstream.ts';

const MB = 1_000_000;
const ANSWER_BYTES = 300 * MB;
const WARM_UP_BYTES = MB;
const MOST_GROWTH_BYTES = 32 * 1_048_576;
/** What may be on its way between the two ends: it fits into the kernel's buffers of two connections (here 75 MB). */
const MOST_UNREAD_BYTES = 150 * MB;
/** The caller rests after each such piece. */
const BURST_BYTES = 50 * MB;

/** A prime length, so that a piece that is lost, doubled or swapped shifts all that follows. */
const PATTERN = Buffer.from(Array.from({ length: 65_521 }, (_, at) => (at * 31) % 251));
const TWICE = Buffer.concat([PATTERN, PATTERN]);

test('an answer of 300 MB passes unchanged to a slow caller, in flat memory', { timeout: 60_000 }, async () => {
  const source = await startSource();
  const settings = { METRICS_PORT: '0', UPSTREAM_TIMEOUT_MS: '120000' };
  const env = await environmentFor({ authority: source.authority, upstreamPorts: [source.port], settings });
  const service = await startProcess({ env });
  const { port: metricsPort } = await service.line('metrics');
  const memory = async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1]);
  };
  const port = await service.ready();
  await post(port, { method: 'GET', path: '/warm-up' });
  const before = await memory();

  const { socket, send } = await callRaw(port);
  socket.removeAllListeners('data').pause();
  await send(rawCall('{"method":"GET","path":"/file"}', ['Connection: close']));
  const unread = await source.stalls();
  expect(unread).toBeLessThan(MOST_UNREAD_BYTES);
  let most = await memory();
  const read = await readSlowly(socket, async () => {
    most = Math.max(most, await memory());
  });

  const inMb = (bytes: number) => (bytes / MB).toFixed(0);
  console.log(
    `${inMb(read)} MB through ${inMb(before)} MB of memory: at most ${inMb(most - before)} MB more; ` +
      `${inMb(unread)} MB were sent while the caller read nothing`,
  );
  expect(read).toBe(ANSWER_BYTES);
  expect(most - before).toBeLessThan(MOST_GROWTH_BYTES);
  expect(await service.line('call')).toMatchObject({ outcome: 'answered' });
});

/** A payment API that answers as fast as it may. */
async function startSource() {
  let sentBytes = 0;
  const authority = await createAuthority();
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, async (request) => {
      const bytes = request.startsWith('GET /warm-up') ? WARM_UP_BYTES : ANSWER_BYTES;
      const { socket } = connection;
      sentBytes = 0;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
      while (sentBytes < bytes) {
        const piece = PATTERN.subarray(0, bytes - sentBytes);
        sentBytes += piece.length;
        if (!socket.write(piece)) await once(socket, 'drain');
      }
    });
  });
  onTestFinished(() => upstream.close());
  return {
    authority,
    port: upstream.port,
    /** Resolves with the bytes sent, when it can send no more or, should nothing hold it back, has sent all. */
    stalls: async () => {
      for (let before = -1; before !== sentBytes && sentBytes < ANSWER_BYTES; ) {
        before = sentBytes;
        await delay(200);
      }
      return sentBytes;
    },
  };
}

/** Reads the answer to its end and holds that each byte of its body is right; `rest` is awaited after each burst. */
async function readSlowly(socket: Socket, rest: () => Promise<void>): Promise<number> {
  let read = 0;
  let burst = 0;
  let head: string | undefined;
  for await (const chunk of socket) {
    let body: Buffer = chunk;
    if (head === undefined) {
      const end = chunk.indexOf('\r\n\r\n') + 4;
      head = chunk.toString('latin1', 0, end);
      expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      body = chunk.subarray(end);
    }
    for (let at = 0; at < body.length; at += PATTERN.length) {
      const piece = body.subarray(at, at + PATTERN.length);
      const from = (read + at) % PATTERN.length;
      if (!piece.equals(TWICE.subarray(from, from + piece.length))) throw new Error(`wrong bytes near ${read + at}`);
    }
    read += body.length;
    burst += body.length;
    if (burst < BURST_BYTES) continue;
    burst = 0;
    await rest();
  }
  return read;
}
