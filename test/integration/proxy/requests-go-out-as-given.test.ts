import { describe, expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { post } from '../../support/caller.ts';
import { type ProxyBefore, startProxyBefore } from '../../support/proxy-before.ts';
import { callRaw } from '../../support/raw-caller.ts';
import { startService } from '../../support/service.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

type CallOptions = Parameters<ProxyBefore['post']>[1];

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** The request that the payment API reads, byte for byte, one character for each byte. */
async function requestFor(proxy: ProxyBefore, envelope: object | string, options: CallOptions = {}): Promise<string> {
  const before = proxy.upstream.received.length;
  const received = await proxy.post(envelope, options);
  expect(received.body.toString()).toBe('ok');
  // Node 20 says so to the next hop, later ones do not; it means nothing in HTTP/1.1 (RFC 9112 §9.3).
  return proxy.upstream.received.slice(before).replace('\r\nConnection: keep-alive\r\n', '\r\n');
}

async function bodyFor(envelope: string): Promise<string> {
  const request = await requestFor(await startProxyBefore(OK), envelope);
  const [head = '', body = ''] = request.split('\r\n\r\n');
  expect(head).toContain(`Content-Length: ${body.length}`);
  return Buffer.from(body, 'latin1').toString('utf8');
}

function lines(...texts: readonly string[]): string {
  return texts.join('\r\n');
}

describe('the whole request', () => {
  test('with a body it holds what the caller gave, Host, the default type and the length, and nothing else', async () => {
    const proxy = await startProxyBefore(OK);
    const envelope = { method: 'POST', path: '/pay', body: { amount: 1 }, headers: { 'x-toss-user-key': '42' } };

    expect(await requestFor(proxy, envelope)).toBe(
      lines(
        'POST /pay HTTP/1.1',
        `Host: localhost:${proxy.upstream.port}`,
        'x-toss-user-key: 42',
        'Content-Type: application/json',
        'Content-Length: 12',
        '',
        '{"amount":1}',
      ),
    );
  });

  test('without a body it has neither type nor body', async () => {
    const proxy = await startProxyBefore(OK);
    const rest = lines(`Host: localhost:${proxy.upstream.port}`, '', '');

    expect(await requestFor(proxy, { method: 'GET', path: '/status' })).toBe(`GET /status HTTP/1.1\r\n${rest}`);
    expect(await requestFor(proxy, { method: 'DELETE', path: '/x' })).toBe(`DELETE /x HTTP/1.1\r\n${rest}`);
  });

  test('a DELETE with a body is framed', async () => {
    const proxy = await startProxyBefore(OK);

    expect(await requestFor(proxy, { method: 'DELETE', path: '/x', body: 'why' })).toBe(
      lines(
        'DELETE /x HTTP/1.1',
        `Host: localhost:${proxy.upstream.port}`,
        'Content-Type: application/json',
        'Content-Length: 3',
        '',
        'why',
      ),
    );
  });

  test.each(['POST', 'PUT', 'PATCH'])('a %s without a body says so', async (method) => {
    const proxy = await startProxyBefore(OK);

    expect(await requestFor(proxy, { method, path: '/x' })).toBe(
      lines(`${method} /x HTTP/1.1`, `Host: localhost:${proxy.upstream.port}`, 'Content-Length: 0', '', ''),
    );
  });

  test('nothing of the caller’s own request goes along', async () => {
    const proxy = await startProxyBefore(OK, { PROXY_API_KEYS: `shop:${'k'.repeat(32)}` });
    const headers = {
      Authorization: `Bearer ${'k'.repeat(32)}`,
      'X-Forwarded-For': '203.0.113.9',
      'X-Request-Id': 'mine',
      'User-Agent': 'phone',
      Cookie: 'session=1',
    };

    expect(await requestFor(proxy, { method: 'GET', path: '/status' }, { headers })).toBe(
      lines('GET /status HTTP/1.1', `Host: localhost:${proxy.upstream.port}`, '', ''),
    );
  });
});

describe('method and path', () => {
  test.each(['get', 'Post', 'pUT', 'patch', 'Delete', 'head'])('%s is sent in upper case', async (method) => {
    const proxy = await startProxyBefore('HTTP/1.1 204 No Content\r\n\r\n');

    await proxy.post({ method, path: '/x' });

    expect(proxy.upstream.received).toMatch(new RegExp(`^${method.toUpperCase()} /x HTTP/1.1\r\n`));
  });

  test.each([
    '/',
    '/a/b/',
    '/a//b',
    '/a%20b%2Fc?q=%EA%B0%80&q=2&empty=&%',
    '/a?next=/../b&url=https://evil.example/',
    '/a;v=1,2:3@4!$&\'()*+=~_-."<>[]^`{|}',
    '/a?x=y?z',
  ])('the path %s is sent as it is', async (path) => {
    const proxy = await startProxyBefore(OK);

    expect(await requestFor(proxy, { method: 'GET', path })).toMatch(/^GET /);
    expect(proxy.upstream.received.split('\r\n')[0]).toBe(`GET ${path} HTTP/1.1`);
  });
});

describe('bodies', () => {
  test('an object keeps its digits, key order, escapes, inner white space and repeated keys', async () => {
    const body = '{ "b": 12345678901234567890.10, "10":1,\n "2":-0.0, "e":1E+400, "s":"\\u0041\\/é\\ud83d", "b":0 }';

    expect(await bodyFor(`{"method":"POST","path":"/pay","body":${body}}`)).toBe(body);
  });

  test('an array is sent, an empty one too', async () => {
    expect(await bodyFor('{"method":"POST","path":"/pay","body":[1.0, 2]}')).toBe('[1.0, 2]');
    expect(await bodyFor('{"method":"POST","path":"/pay","body":[]}')).toBe('[]');
  });

  test('a string is sent as its characters, not as JSON', async () => {
    expect(await bodyFor('{"method":"POST","path":"/pay","body":"a=1&b=\\uac00\\n\\"💳"}')).toBe('a=1&b=가\n"💳');
    expect(await bodyFor('{"method":"POST","path":"/pay","body":"{}"}')).toBe('{}');
  });

  test('an envelope that comes in many pieces, split within characters, is one envelope', async () => {
    const proxy = await startProxyBefore(OK);
    const envelope = Buffer.from('{"method":"POST","path":"/pay","body":{"이유":"환불 💳"}}');

    const head =
      'POST /proxy HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n';

    const caller = await callRaw(proxy.service.port);
    await caller.send(head, ...[...envelope].map((byte) => chunk(Buffer.of(byte))), '0\r\n\r\n');

    expect(await caller.ended).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(Buffer.from(proxy.upstream.received, 'latin1').toString()).toContain('\r\n\r\n{"이유":"환불 💳"}');
  });
});

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

describe('headers', () => {
  test('values of every kind go as they are written', async () => {
    const envelope =
      '{"method":"GET","path":"/x","headers":{"X-Number":1.50,"X-Big":12345678901234567890,"X-Flag":true,' +
      '"X-Text":"caf\\u00e9 ; \\"q\\"","X-Empty":"","authorization":"Basic Og=="}}';
    const proxy = await startProxyBefore(OK);

    expect(await requestFor(proxy, envelope)).toBe(
      lines(
        'GET /x HTTP/1.1',
        `Host: localhost:${proxy.upstream.port}`,
        'X-Number: 1.50',
        'X-Big: 12345678901234567890',
        'X-Flag: true',
        'X-Text: caf\u00e9 ; "q"',
        'X-Empty: ',
        'authorization: Basic Og==',
        '',
        '',
      ),
    );
  });

  test('framing and hop-by-hop headers are dropped, however they are spelled', async () => {
    const headers = {
      Host: 'evil.example',
      'content-length': '0',
      Content_Length: '0',
      'Transfer-Encoding': 'chunked',
      Connection: 'close, X-Named',
      'X-Named': '1',
      x_named: '1',
      'Keep-Alive': 'timeout=1',
      TE: 'trailers',
      Trailer: 'X-Sum',
      Upgrade: 'h2c',
      Expect: '100-continue',
      'Proxy-Authorization': 'Basic x',
      'proxy-anything': '1',
      'X-Kept': '1',
    };
    const proxy = await startProxyBefore(OK);

    expect(await requestFor(proxy, { method: 'POST', path: '/pay', headers, body: [1] })).toBe(
      lines(
        'POST /pay HTTP/1.1',
        `Host: localhost:${proxy.upstream.port}`,
        'X-Kept: 1',
        'Content-Type: application/json',
        'Content-Length: 3',
        '',
        '[1]',
      ),
    );
  });

  test('a content type of the caller’s own replaces the default, in its spelling', async () => {
    const proxy = await startProxyBefore(OK);
    const headers = { 'content-TYPE': 'application/x-www-form-urlencoded' };

    const request = await requestFor(proxy, { method: 'POST', path: '/pay', headers, body: 'a=1' });

    expect(request.match(/content-type: .*/gi)).toEqual(['content-TYPE: application/x-www-form-urlencoded']);
  });
});

test('a call goes to the first host, or to the one that it names in any case', async () => {
  const authority = await createAuthority();
  const [first, second] = await Promise.all(
    ['first', 'second'].map((name) =>
      startUpstream(authority, (connection) =>
        onRequest(connection, () =>
          connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`),
        ),
      ),
    ),
  );
  if (!first || !second) throw new Error('two were started');
  const service = await startService({ authority, upstreamPorts: [first.port, second.port] });
  onTestFinished(async () => {
    await service.close();
    await Promise.all([first.close(), second.close()]);
  });

  for (const [hostname, name] of [
    [undefined, 'first'],
    [null, 'first'],
    [`localhost:${first.port}`, 'first'],
    [`localhost:${second.port}`, 'second'],
    [`LocalHost:${second.port}`, 'second'],
  ]) {
    const received = await post(service.port, { method: 'GET', path: '/x', hostname });
    expect(received.body.toString(), `${hostname}`).toBe(name);
  }
  expect(second.received).toContain(`Host: localhost:${second.port}\r\n`);
});
