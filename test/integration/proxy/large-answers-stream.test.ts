import { EventEmitter, once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { startProxyBefore } from '../../support/proxy-before.ts';
import { callRaw, rawCall } from '../../support/raw-caller.ts';

const HELD_BYTES = 65_536;
const PAY = { method: 'POST', path: '/pay', body: { amount: 1 } };
const GET = { method: 'GET', path: '/file' };

function call(port: number, envelope: object): ClientRequest {
  const headers = { 'Content-Type': 'application/json' };
  return request({ port, host: '127.0.0.1', method: 'POST', path: '/proxy', agent: false, headers }).end(
    JSON.stringify(envelope),
  );
}

/** Calls the service and resolves as soon as the head of the answer is there; nothing of the body is read yet. */
async function open(port: number, envelope: object): Promise<IncomingMessage> {
  const outgoing = call(port, envelope);
  const response = await new Promise<IncomingMessage>((resolve) => outgoing.on('response', resolve));
  response.on('error', () => undefined);
  return response;
}

/** Resolves when this many bytes of the body have come. */
async function read(response: IncomingMessage, bytes: number): Promise<void> {
  let seen = 0;
  for await (const chunk of response.iterator({ destroyOnReturn: false })) {
    seen += chunk.length;
    if (seen >= bytes) return;
  }
}

/** Bytes in which a shift by one shows. */
function pattern(bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 31 + (at >> 8)) % 251));
}

function head(bytes: number): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${bytes}\r\n\r\n`;
}

test.each([HELD_BYTES - 1, HELD_BYTES, HELD_BYTES + 1, 1_000_003])('%i bytes pass unchanged', async (bytes) => {
  const body = pattern(bytes);
  const proxy = await startProxyBefore(Buffer.concat([Buffer.from(head(bytes)), body]));

  const received = await proxy.post(PAY);

  expect(received.body.equals(body)).toBe(true);
  expect(received.headers['content-length']).toBe(String(bytes));
  expect(received.headers['proxy-outcome']).toBe('answered');
  expect(await proxy.service.callLines(1)).toMatchObject([{ outcome: 'answered', status: 200, bytesReceived: bytes }]);
});

test('a large answer in chunks passes unchanged', async () => {
  const body = pattern(300_000);
  const proxy = await startProxyBefore((_request, { socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let at = 0; at < body.length; at += 10_000)
      socket.write(`2710\r\n${body.toString('latin1', at, at + 10_000)}\r\n`, 'latin1');
    socket.write('0\r\n\r\n');
  });

  const received = await proxy.post(PAY);

  expect(received.body.equals(body)).toBe(true);
  expect(received.headers['transfer-encoding']).toBe('chunked');
  expect(received.headers['content-length']).toBeUndefined();
});

test('it begins to arrive while the payment API still holds the rest', async () => {
  const body = pattern(3 * HELD_BYTES);
  let sendRest = () => {};
  const proxy = await startProxyBefore((_request, { socket }) => {
    socket.write(Buffer.concat([Buffer.from(head(body.length)), body.subarray(0, 2 * HELD_BYTES)]));
    sendRest = () => socket.write(body.subarray(2 * HELD_BYTES));
  });

  const response = await open(proxy.service.port, PAY);
  await read(response, HELD_BYTES + 1);
  sendRest();
  response.resume();
  await once(response, 'close');

  expect(response.complete).toBe(true);
});

test('half of it is never taken for the whole: the connection is cut', async () => {
  const proxy = await startProxyBefore((_request, { socket }) => socket.end(head(200_000) + 'x'.repeat(100_000)));

  const received = await proxy.post(PAY);

  expect(received.whole).toBe(false);
  expect(await proxy.service.callLines(1)).toMatchObject([
    { status: 200, code: 'upstream_incomplete', outcome: 'unknown' },
  ]);
});

test('half of it in chunks is not taken for the whole either', async () => {
  const half = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n${'x'.repeat(100_000)}\r\n`;
  const proxy = await startProxyBefore((_request, { socket }) => socket.end(half));

  expect((await proxy.post(PAY)).whole).toBe(false);
});

test('the total deadline cuts it, too', async () => {
  const proxy = await startProxyBefore(head(200_000) + 'x'.repeat(100_000), { UPSTREAM_TIMEOUT_MS: '500' });

  const received = await proxy.post(PAY);

  expect(received.whole).toBe(false);
  expect(await proxy.service.callLines(1)).toMatchObject([
    { status: 200, code: 'upstream_timeout', outcome: 'unknown' },
  ]);
});

test('one that cannot be written on is refused, and the caller’s connection lives on', async () => {
  // A status below 100 would make Node's writer throw.
  const proxy = await startProxyBefore(`HTTP/1.1 099 Odd\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`);
  const caller = await callRaw(proxy.service.port);

  await caller.send(rawCall(JSON.stringify(PAY)));
  const [, refusal = ''] = await caller.reads(/^HTTP\/1\.1 502 [\s\S]*\r\n\r\n(\{.*\})$/);
  await proxy.service.callLines(1);
  await caller.send(rawCall('not json'));
  await caller.reads(/HTTP\/1\.1 400 /);
  caller.socket.destroy();

  expect(JSON.parse(refusal)).toMatchObject({ code: 'upstream_protocol_error', outcome: 'unknown' });
  expect(await proxy.service.callLines(2)).toMatchObject([
    { status: 502, code: 'upstream_protocol_error' },
    { status: 400, code: 'invalid_json' },
  ]);
});

describe('when the caller hangs up', () => {
  test('in the middle of a payment’s answer, the rest is read, so that its outcome is known', async () => {
    let sendRest = () => {};
    const proxy = await startProxyBefore((_request, { socket }) => {
      socket.write(head(300_000) + 'x'.repeat(100_000));
      sendRest = () => socket.write('x'.repeat(200_000));
    });

    const response = await open(proxy.service.port, PAY);
    await read(response, HELD_BYTES);
    response.destroy();
    sendRest();

    expect(await proxy.service.callLines(1)).toMatchObject([{ outcome: 'answered', bytesReceived: 300_000 }]);
  });

  test('before a payment’s large answer has begun, it is read all the same', async () => {
    const asked = new EventEmitter();
    const proxy = await startProxyBefore((_request, connection) => asked.emit('asked', connection));
    const arrival = once(asked, 'asked');
    const outgoing = call(proxy.service.port, PAY).on('error', () => undefined);
    const [{ socket }] = await arrival;

    outgoing.destroy();
    // Once a later call has been refused, the service has read the end of the earlier connection, too.
    await proxy.post('not json');
    socket.write(head(300_000) + 'x'.repeat(300_000));

    const lines = await proxy.service.callLines(2);
    expect(lines[1]).toMatchObject({ outcome: 'answered', bytesReceived: 300_000, callerGone: true });
  });

  test('in the middle of a GET’s answer, the payment API is no longer read', async () => {
    const ends = new EventEmitter();
    const end = once(ends, 'end');
    const proxy = await startProxyBefore((_request, { socket }) => {
      socket.on('close', () => ends.emit('end'));
      socket.write(head(300_000) + 'x'.repeat(100_000));
    });

    const response = await open(proxy.service.port, GET);
    await read(response, HELD_BYTES);
    response.destroy();

    await end;
    expect(await proxy.service.callLines(1)).toMatchObject([{ code: 'caller_gone', outcome: 'unknown' }]);
  });
});
