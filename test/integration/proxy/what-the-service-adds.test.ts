import { describe, expect, test } from 'vitest';
import type { Received } from '../../support/caller.ts';
import { type Behaviour, startProxyBefore } from '../../support/proxy-before.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const PAY = { method: 'POST', path: '/pay', body: { amount: 1 } };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The names in `Server-Timing`, each of which must carry a plain duration in ms. */
function phasesOf({ headers }: Received): string[] {
  const items = String(headers['server-timing'] ?? '').split(', ');
  for (const item of items) expect(item).toMatch(/^[a-z]+;dur=\d+(\.\d{1,3})?$/);
  return items.map((item) => item.split(';')[0] ?? '');
}

describe('X-Request-Id', () => {
  test.each(['a', 'A-z.0_9', 'x'.repeat(128)])('a sane one is kept: %s', async (id) => {
    const proxy = await startProxyBefore(OK);

    const received = await proxy.post(PAY, { headers: { 'X-Request-Id': id } });

    expect(received.headers['x-request-id']).toBe(id);
    expect(await proxy.service.callLines(1)).toMatchObject([{ requestId: id }]);
  });

  test.each(['', 'x'.repeat(129), 'two words', 'a"b', 'a,b', 'caf\u00e9', '../etc'])(
    'another is replaced by a new UUID: %s',
    async (id) => {
      const proxy = await startProxyBefore(OK);

      const received = await proxy.post(PAY, { headers: { 'X-Request-Id': id } });

      expect(received.headers['x-request-id']).toMatch(UUID);
      expect(await proxy.service.callLines(1)).toMatchObject([{ requestId: received.headers['x-request-id'] }]);
    },
  );

  test('a caller that sends none gets a new one for each call, in errors too', async () => {
    const proxy = await startProxyBefore(OK);

    const received = [await proxy.post(PAY), await proxy.post(PAY), await proxy.post('not json')];

    const ids = received.map(({ headers }) => headers['x-request-id']);
    for (const id of ids) expect(id).toMatch(UUID);
    expect(new Set(ids).size).toBe(3);
    expect(JSON.parse(String(received[2]?.body))).toMatchObject({ requestId: ids[2] });
  });
});

describe('Server-Timing', () => {
  test('over a new connection it shows every phase and the total', async () => {
    const proxy = await startProxyBefore(OK);

    expect(phasesOf(await proxy.post(PAY))).toEqual(['dns', 'tcp', 'tls', 'send', 'wait', 'receive', 'total']);
  });

  test('over a reused connection it shows no handshake', async () => {
    const proxy = await startProxyBefore(OK);
    await proxy.post(PAY);

    expect(phasesOf(await proxy.post(PAY))).toEqual(['send', 'wait', 'receive', 'total']);
    expect(proxy.upstream.connections).toBe(1);
    expect(await proxy.service.callLines(2)).toMatchObject([{ reused: false }, { reused: true }]);
  });

  test('of an answer that streams it shows neither the receiving nor the total, which are not over', async () => {
    const body = 'x'.repeat(100_000);
    const proxy = await startProxyBefore(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);

    const received = await proxy.post(PAY);

    expect(received.body.toString()).toBe(body);
    expect(phasesOf(received)).toEqual(['dns', 'tcp', 'tls', 'send', 'wait']);
    const [line] = await proxy.service.callLines(1);
    expect(Object.keys(line?.phases ?? {})).toEqual(['dns', 'tcp', 'tls', 'send', 'wait', 'receive']);
  });

  test('of a failure it shows what the call went through', async () => {
    const proxy = await startProxyBefore((_request, { socket }) => socket.destroy());

    const received = await proxy.post(PAY);

    expect(received.status).toBe(502);
    expect(phasesOf(received)).toEqual(['dns', 'tcp', 'tls', 'send', 'wait', 'total']);
  });

  test('of a refusal there is none, since nothing was begun', async () => {
    const proxy = await startProxyBefore(OK);

    expect((await proxy.post({ method: 'POST' })).headers['server-timing']).toBeUndefined();
  });

  test('the phases lie within the total', async () => {
    const proxy = await startProxyBefore(OK);
    const { headers } = await proxy.post(PAY);

    const durations = [...String(headers['server-timing']).matchAll(/dur=([\d.]+)/g)].map(([, ms]) => Number(ms));
    const total = durations.pop() ?? 0;

    expect(durations.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(total + 0.01);
  });
});

describe('Proxy-Status and Proxy-Outcome', () => {
  test.each<[string, object | string, Behaviour, string, string]>([
    ['a refusal', 'not json', OK, 'http_request_error', 'not_processed'],
    ['a reset', PAY, (_request, { tcp }) => tcp.resetAndDestroy(), 'connection_terminated', 'unknown'],
    ['nonsense', PAY, '220 smtp.example ESMTP\r\n', 'http_protocol_error', 'unknown'],
  ])('%s is named in the terms of RFC 9209', async (_name, envelope, behaviour, errorType, outcome) => {
    const proxy = await startProxyBefore(behaviour);

    const { headers, body } = await proxy.post(envelope);

    expect(headers['proxy-status']).toBe(`toss-mtls-proxy; error=${errorType}`);
    expect(headers['proxy-outcome']).toBe(outcome);
    expect(JSON.parse(body.toString())).toMatchObject({ outcome });
  });

  test('an answer that breaks off is told with the status that had come', async () => {
    const proxy = await startProxyBefore((_request, { socket }) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    });

    const { status, headers, body } = await proxy.post(PAY);

    expect(status).toBe(502);
    expect(headers['proxy-status']).toBe('toss-mtls-proxy; received-status=200; error=http_response_incomplete');
    expect(headers['proxy-outcome']).toBe('unknown');
    expect(body.toString()).not.toContain('half');
  });
});

describe('timeoutMs', () => {
  test('it shortens the wait of this call', async () => {
    let requests = 0;
    const proxy = await startProxyBefore(
      (_request, { socket }) => {
        requests += 1;
        if (requests === 1) socket.write(OK);
      },
      { UPSTREAM_TIMEOUT_MS: '600000' },
    );
    await proxy.post(PAY);

    const { status, headers, body } = await proxy.post({ ...PAY, timeoutMs: 100 });

    expect(status).toBe(504);
    expect(headers['proxy-outcome']).toBe('unknown');
    expect(JSON.parse(body.toString())).toMatchObject({ code: 'upstream_timeout' });
    expect(requests).toBe(2);
  });

  test('a larger one than UPSTREAM_TIMEOUT_MS counts as that', async () => {
    const proxy = await startProxyBefore(() => undefined, { UPSTREAM_TIMEOUT_MS: '200' });

    for (const timeoutMs of [600_000, Number.MAX_SAFE_INTEGER, 1e300]) {
      expect((await proxy.post({ ...PAY, timeoutMs })).status).toBe(504);
    }
  });
});
