import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Call, type Handler } from '../../../src/http/call.ts';
import { answerErrors } from '../../../src/http/errors.ts';
import { createListener } from '../../../src/http/listen.ts';
import { readBody } from '../../../src/http/read-body.ts';
import { identify } from '../../../src/http/request-id.ts';
import { callRaw } from '../../support/raw-caller.ts';
import { type Door, openDoor, PAYMENT } from './door.ts';
import { answersIn, hearOut } from './raw.ts';

const MEGABYTES = 4 * 1_048_576;

function head(lines: readonly string[]): string {
  return `${['POST /proxy HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...lines].join('\r\n')}\r\n\r\n`;
}

describe('a caller that writes megabytes before it reads anything can read why it was refused:', () => {
  const refusals: Readonly<Record<string, readonly [(door: Door) => string, number]>> = {
    'a wrong key': [() => head(['Authorization: Bearer x', `Content-Length: ${MEGABYTES}`]), 401],
    'a foreign origin': [() => head(['Origin: http://evil.example', `Content-Length: ${MEGABYTES}`]), 403],
    'too long a body': [({ key }) => head([`Authorization: Bearer ${key}`, `Content-Length: ${MEGABYTES}`]), 413],
    'another media type': [
      ({ key }) =>
        head([`Authorization: Bearer ${key}`, `Content-Length: ${MEGABYTES}`]).replace(
          'application/json',
          'text/plain',
        ),
      415,
    ],
    'chunks without an end': [({ key }) => head([`Authorization: Bearer ${key}`, 'Transfer-Encoding: chunked']), 413],
    'a chunk that is none': [
      ({ key }) => `${head([`Authorization: Bearer ${key}`, 'Transfer-Encoding: chunked'])}zz\r\n`,
      400,
    ],
    'two lengths': [() => head([`Content-Length: ${MEGABYTES}`, 'Content-Length: 1']), 400],
    'a path that is not there': [() => head([`Content-Length: ${MEGABYTES}`]).replace('/proxy', '/'), 405],
  };

  test.each(Object.keys(refusals))('%s', async (name) => {
    const door = await openDoor();
    const [bytes, status] = refusals[name] ?? [() => '', 0];
    const caller = await callRaw(door.port);
    caller.socket.pause();

    await caller.send(bytes(door));
    const isChunked = bytes(door).endsWith('chunked\r\n\r\n');
    await caller.send(isChunked ? `${MEGABYTES.toString(16)}\r\n${'x'.repeat(MEGABYTES)}` : 'x'.repeat(MEGABYTES));
    caller.socket.resume();

    const [answer, ...others] = await hearOut(caller);
    expect(answer?.status).toBe(status);
    expect(answer?.headers).toMatchObject({ connection: 'close', 'proxy-outcome': 'not_processed' });
    expect(others).toEqual([]);
    expect(door.upstream.connections).toBe(0);
  });
});

test('after a refusal whose request was read whole, the connection goes on', async () => {
  const door = await openDoor();
  const caller = await callRaw(door.port);
  const envelope = JSON.stringify(PAYMENT);

  await caller.send(head([`Authorization: Bearer ${door.key}`, 'Content-Length: 1']), '{');
  await caller.reads(/"invalid_json"/);
  await caller.send(head([`Authorization: Bearer ${door.key}`, `Content-Length: ${envelope.length}`]), envelope);
  await caller.reads(/Proxy-Outcome: answered/);

  caller.socket.end();
  expect(answersIn(await caller.ended).map(({ status }) => status)).toEqual([400, 200]);
});

/** The listener of the service before a handler that only reads bodies, with deadlines that a test can await. */
async function listenBriefly(headersTimeoutMs: number, bodyTimeoutMs: number) {
  const ended: (string | undefined)[] = [];
  const refused: string[] = [];
  let bodies = 0;
  const app = express();
  const record: Handler = (request, response, next) => {
    response.locals.call = new Call(request, response, ({ code }) => ended.push(code));
    next();
  };
  const read: Handler = async (request, response) => {
    await readBody(request, response, 1_000, bodyTimeoutMs);
    bodies += 1;
    response.end('read');
  };
  app.use(identify, record, read);
  app.use(answerErrors(() => undefined));
  const server = createListener(app, (code) => refused.push(code), headersTimeoutMs);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    // It listens on a port, so its address is not a path.
    port: (server.address() as AddressInfo).port,
    ended,
    refused,
    get bodies() {
      return bodies;
    },
  };
}

test('a body that does not come in time is a request timeout', async () => {
  const listener = await listenBriefly(5_000, 50);
  const caller = await callRaw(listener.port);

  await caller.send(head(['Content-Length: 10']), '12345');

  const [answer] = await hearOut(caller);
  expect(answer?.status).toBe(408);
  expect(answer?.headers['proxy-outcome']).toBe('not_processed');
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ code: 'request_timeout' });
  expect(listener.ended).toEqual(['request_timeout']);
});

test.each([
  ['nothing', ''],
  ['half a head', 'POST /proxy HTTP/1.1\r\nHost: x\r\n'],
])('a connection on which %s has come in time is refused, and what comes then is not processed', async (_, bytes) => {
  const listener = await listenBriefly(100, 5_000);
  const caller = await callRaw(listener.port);

  await caller.send(bytes);
  await caller.reads(/"request_timeout"/);
  await caller.send(bytes === '' ? head(['Content-Length: 1']) : 'Content-Length: 1\r\n\r\n', '1');

  const answers = answersIn(await caller.ended);
  expect(answers.map(({ status }) => status)).toEqual([408]);
  expect(answers[0]?.headers['proxy-outcome']).toBe('not_processed');
  expect(listener.refused).toEqual(['request_timeout']);
  expect(listener.bodies).toBe(0);
});

test('a caller that hangs up in the middle of its body is noted as gone', async () => {
  const listener = await listenBriefly(5_000, 5_000);
  const caller = await callRaw(listener.port);

  await caller.send(head(['Content-Length: 10']), '12345');
  caller.socket.resetAndDestroy();
  await expect.poll(() => listener.ended).toEqual(['caller_gone']);
  expect(listener.bodies).toBe(0);
});

test('a caller that closes its side in the middle of its body has its answer and the end at once', async () => {
  const listener = await listenBriefly(5_000, 5_000);
  const caller = await callRaw(listener.port);
  // With time standing still, nothing ends because one has waited.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());

  await caller.send(head(['Content-Length: 10']), '12345');
  caller.socket.end();

  expect(answersIn(await caller.ended).map(({ status }) => status)).toEqual([400]);
});

test.each([
  ['is no chunk', 'zz\r\n'],
  ['ends too early', ''],
])('a body that %s after its request was answered has no answer of its own', async (_, rest) => {
  const door = await openDoor();
  const caller = await callRaw(door.port);

  await caller.send('GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  await caller.reads(/"status":"ok"/);
  await caller.send(rest);
  caller.socket.end();

  expect(answersIn(await caller.ended).map(({ status }) => status)).toEqual([200]);
});
