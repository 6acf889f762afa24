import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { startProxyBefore } from '../../support/proxy-before.ts';

const OURS = new Set(['x-request-id', 'proxy-outcome', 'proxy-status', 'server-timing']);
/** Of the connection between caller and service, and added by every HTTP server (RFC 9110 §6.6.1). */
const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding']);

/** The headers that came from the payment API, as `Name: value`, in their order. */
function passedOn(rawHeaders: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (OURS.has(name.toLowerCase()) || OF_THE_CONNECTION.has(name.toLowerCase())) continue;
    lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  return lines;
}

function answer(status: string, headers: readonly string[], body: string | Buffer = ''): Buffer {
  const head = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
}

/** Writes each piece in a TLS record of its own, so that the service reads them one by one. */
function inPieces(...pieces: readonly (string | Buffer)[]) {
  return (_request: string, { socket }: { socket: NodeJS.WritableStream }) => {
    const write = ([first, ...rest]: readonly (string | Buffer)[]) => {
      if (first !== undefined) socket.write(first, () => setImmediate(write, rest));
    };
    write(pieces);
  };
}

const GET = { method: 'GET', path: '/status' };
const PAY = { method: 'POST', path: '/pay', body: { amount: 1000 } };

describe('status and headers', () => {
  test.each([200, 201, 202, 299, 400, 401, 404, 409, 422, 429, 500, 503, 599, 600, 999])(
    '%i passes',
    async (status) => {
      const proxy = await startProxyBefore(answer(`${status} Whatever They Say`, [], '{}'));

      const received = await proxy.post(PAY);

      expect(received.status).toBe(status);
      expect(received.headers['proxy-outcome']).toBe('answered');
      expect(received.headers['proxy-status']).toBe(`toss-mtls-proxy; received-status=${status}`);
      expect(received.body.toString()).toBe('{}');
    },
  );

  test('headers pass in their order and spelling, repeated ones and several cookies one by one', async () => {
    const headers = [
      'content-TYPE: application/json',
      'Set-Cookie: a=1; Path=/',
      'X-Twice: first',
      'Set-Cookie: b=2; HttpOnly',
      'x-twice: second',
      'WWW-Authenticate: Bearer realm="pay"',
      'Set-Cookie: c=3',
      'ETag: W/"abc"',
      'Cache-Control: private',
      'X-Empty: ',
      'X-Latin: caf\u00e9',
      'Server: nginx',
    ];
    const proxy = await startProxyBefore(answer('200 OK', headers, '{}'));

    const received = await proxy.post(PAY);

    expect(passedOn(received.rawHeaders)).toEqual([...headers, 'Content-Length: 2']);
  });

  test('what belongs to one connection, or to the name of the payment API, stays behind', async () => {
    const headers = [
      'Connection: keep-alive, X-Hop',
      'X-Hop: 1',
      'Keep-Alive: timeout=77',
      'Proxy-Connection: keep-alive',
      'Upgrade: h2c',
      'Trailer: X-Sum',
      'Access-Control-Allow-Origin: *',
      'Strict-Transport-Security: max-age=1',
      'Alt-Svc: h3=":443"',
      'Proxy-Outcome: answered',
      'Proxy-Status: theirs',
      'Server-Timing: theirs;dur=1',
      'X-Request-Id: theirs',
      'X-Kept: 1',
    ];
    const proxy = await startProxyBefore(answer('200 OK', headers, '{}'));

    const received = await proxy.post(PAY, { headers: { 'X-Request-Id': 'mine' } });

    expect(passedOn(received.rawHeaders)).toEqual(['X-Kept: 1', 'Content-Length: 2']);
    expect(received.headers['x-request-id']).toBe('mine');
    expect(received.headers['keep-alive']).not.toBe('timeout=77');
    expect(JSON.stringify(received.rawHeaders)).not.toContain('theirs');
  });

  test('a redirect is not followed', async () => {
    const proxy = await startProxyBefore(answer('302 Found', ['Location: https://elsewhere.example/pay']));

    const received = await proxy.post(PAY);

    expect(received.status).toBe(302);
    expect(received.headers.location).toBe('https://elsewhere.example/pay');
    expect(proxy.upstream.received.match(/ HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('a 408 passes, but says nothing about the payment: balancers send it on their own', async () => {
    const proxy = await startProxyBefore(answer('408 Request Timeout', [], 'too slow'));

    const received = await proxy.post(PAY);

    expect(received.status).toBe(408);
    expect(received.body.toString()).toBe('too slow');
    expect(received.headers['proxy-outcome']).toBe('unknown');
    const [line] = await proxy.service.callLines(1);
    expect(line).toMatchObject({ status: 408, outcome: 'unknown' });
  });

  test('an interim answer is not taken for the final one', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n';
    const proxy = await startProxyBefore(
      Buffer.concat([Buffer.from(early), answer('201 Created', ['X-A: 1'], 'paid')]),
    );

    const received = await proxy.post(PAY);

    expect(received.status).toBe(201);
    expect(passedOn(received.rawHeaders)).toEqual(['X-A: 1', 'Content-Length: 4']);
    expect(received.body.toString()).toBe('paid');
  });
});

describe('bodies', () => {
  test('characters that are split between two reads stay whole', async () => {
    const body = Buffer.from('{"reason":"잔액이 부족합니다 💳"}');
    const bytes = [...body].map((byte) => Buffer.of(byte));
    const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const proxy = await startProxyBefore(inPieces(head, ...bytes));

    const received = await proxy.post(GET);

    expect(received.body.equals(body)).toBe(true);
  });

  test('every byte passes, whatever the media type says', async () => {
    const body = Buffer.from(Array.from({ length: 512 }, (_, at) => at % 256));
    const proxy = await startProxyBefore(answer('200 OK', ['Content-Type: text/html; charset=euc-kr'], body));

    const received = await proxy.post(GET);

    expect(received.body.equals(body)).toBe(true);
    expect(received.headers['content-type']).toBe('text/html; charset=euc-kr');
  });

  test('a compressed answer stays compressed', async () => {
    const body = gzipSync('{"resultType":"SUCCESS"}');
    const proxy = await startProxyBefore(answer('200 OK', ['Content-Encoding: gzip', 'Vary: Accept-Encoding'], body));

    const received = await proxy.post({ ...GET, headers: { 'Accept-Encoding': 'gzip' } });

    expect(received.body.equals(body)).toBe(true);
    expect(passedOn(received.rawHeaders)).toEqual([
      'Content-Encoding: gzip',
      'Vary: Accept-Encoding',
      `Content-Length: ${body.length}`,
    ]);
  });

  test('numbers, key order and white space of a JSON answer stay as they are', async () => {
    const body = '{ "b":12345678901234567890.10, "10":1, "2":1, "a":1e400, "a":"\\u0041" }\n';
    const proxy = await startProxyBefore(answer('200 OK', ['Content-Type: application/json'], body));

    expect((await proxy.post(PAY)).body.toString()).toBe(body);
  });

  test('an answer in chunks arrives with its length', async () => {
    const chunks = '3;ext=1\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n';
    const proxy = await startProxyBefore(inPieces('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', chunks));

    const received = await proxy.post(GET);

    expect(received.body.toString()).toBe('abcd');
    expect(received.headers['content-length']).toBe('4');
    expect(received.headers['transfer-encoding']).toBeUndefined();
  });

  test('an empty answer in chunks arrives as an empty one', async () => {
    const proxy = await startProxyBefore('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');

    const received = await proxy.post(GET);

    expect(received.body).toHaveLength(0);
    expect(received.headers['content-length']).toBe('0');
  });

  test('an answer that ends with its connection passes, as unknown: it may have been cut', async () => {
    const proxy = await startProxyBefore((_request, { socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\nperhaps all'));

    const received = await proxy.post(GET);

    expect(received.status).toBe(200);
    expect(received.body.toString()).toBe('perhaps all');
    expect(received.headers['proxy-outcome']).toBe('unknown');
  });
});

describe('answers without a body', () => {
  test('a 204 has neither body nor length', async () => {
    const proxy = await startProxyBefore('HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n');

    const received = await proxy.post(PAY);

    expect(received.status).toBe(204);
    expect(passedOn(received.rawHeaders)).toEqual(['X-A: 1']);
    expect(received.whole).toBe(true);
    expect(received.headers['proxy-outcome']).toBe('answered');
  });

  test('a 304 keeps what it says of the answer that it stands for', async () => {
    const proxy = await startProxyBefore('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n');

    const received = await proxy.post({ ...GET, headers: { 'If-None-Match': '"1"' } });

    expect(received.status).toBe(304);
    expect(passedOn(received.rawHeaders)).toEqual(['ETag: "1"']);
    expect(received.headers['proxy-outcome']).toBe('answered');
  });

  test('the length of a HEAD answer stays behind, since the POST that carries it has no body', async () => {
    const proxy = await startProxyBefore('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nX-A: 1\r\n\r\n');

    const first = await proxy.post({ method: 'HEAD', path: '/file' });
    const second = await proxy.post({ method: 'HEAD', path: '/file' });

    for (const received of [first, second]) {
      expect(received.status).toBe(200);
      expect(passedOn(received.rawHeaders)).toEqual(['X-A: 1', 'Content-Length: 0']);
      expect(received.whole).toBe(true);
      expect(received.headers['proxy-outcome']).toBe('answered');
    }
    expect(proxy.upstream.connections).toBe(1);
  });
});
