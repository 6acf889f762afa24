/** Random requests as a caller may write them, one by one. */
import fc from 'fast-check';
import { envelopeBytes } from './envelope-cases.ts';
import { API_KEY } from './world.ts';

/** A second call, for wherever one may slip in. */
export const SMUGGLED = 'POST /proxy HTTP/1.1\r\nHost: p\r\n\r\n{"method":"POST","path":"/smuggled"}';

const simpleEnvelope = fc
  .tuple(
    fc.nat(999),
    fc.constantFrom('POST', 'POST', 'GET', 'DELETE'),
    fc.constantFrom('{"a":1}', JSON.stringify(`\r\n\r\n${SMUGGLED}`), '"0\\r\\n\\r\\n"', 'null'),
  )
  .map(([id, method, body]): Uint8Array => {
    const member = method === 'GET' ? '' : `,"body":${body}`;
    return Buffer.from(`{"method":"${method}","path":"/stream/${id}"${member}}`);
  });

const MOST_ENVELOPE_BYTES = 1_000;

const envelope = fc.oneof(
  { weight: 5, arbitrary: simpleEnvelope },
  { weight: 1, arbitrary: envelopeBytes.filter(({ length }) => length <= MOST_ENVELOPE_BYTES) },
);

const HEADER_LINES = [
  ...['Origin: http://localhost:3000', 'Origin: https://evil.example', 'X-Request-Id: id-1', 'Host: second.example'],
  ...['X-Forwarded-For: 192.0.2.1', 'Connection: close', 'Connection: keep-alive', 'Expect: 100-continue'],
  ...['Expect: 200-ok', 'Content-Encoding: gzip', 'TE: trailers', 'Trailer: Content-Length'],
  ...['Authorization: Basic eDp5', `X-Long: ${'x'.repeat(17_000)}`, `A: 1\r\n`.repeat(150).trimEnd()],
];

/** Rare, since after it Node hides a broken body from us, and our own deadline of 10 s has to end the request. */
const UPGRADE = 'Connection: upgrade\r\nUpgrade: h2c';

const headerLine = fc.oneof(
  { weight: 100, arbitrary: fc.constantFrom(...HEADER_LINES) },
  { weight: 1, arbitrary: fc.constant(UPGRADE) },
);

function chunked(body: Uint8Array, size: number, extension: string): Buffer {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += size) {
    const data = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${data.length.toString(16)}${extension}\r\n`), data, Buffer.from('\r\n'));
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}

const framed = fc
  .tuple(
    envelope,
    fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.integer({ min: 1, max: 40 })),
    fc.constantFrom('', '', ';a=b', ';a="x"'),
  )
  .map(([body, size, extension]) =>
    size === undefined
      ? { line: `Content-Length: ${body.length}`, body }
      : { line: 'Transfer-Encoding: chunked', body: chunked(body, size, extension) },
  );

interface Call {
  readonly framed: { readonly line: string; readonly body: Uint8Array };
  readonly target: string;
  readonly version: string;
  readonly authorization: string;
  readonly type: string;
  readonly more: readonly string[];
}

function written({ framed: { line, body }, target, version, authorization, type, more }: Call): Buffer {
  const lines = ['Host: proxy', authorization, `Content-Type: ${type}`, line, ...more];
  return Buffer.concat([Buffer.from(`POST ${target} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n`), body]);
}

const PROPER = {
  target: '/proxy',
  version: '1.1',
  authorization: `Authorization: Bearer ${API_KEY}`,
  type: 'application/json',
  more: [],
};

/** A call as it should be. */
export const properCall = framed.map((one) => written({ ...PROPER, framed: one }));

const orOdd = (proper: string, ...odd: readonly string[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(proper) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });

const oddCall = fc
  .record({
    framed,
    target: orOdd(PROPER.target, '/proxy?x=1', 'http://proxy/proxy', '/PROXY', '/proxy/', '/%70roxy', '//proxy', '*'),
    version: orOdd(PROPER.version, '1.0', '0.9', '1.2', '2.0'),
    authorization: orOdd(
      PROPER.authorization,
      ...['Authorization: Bearer wrong', 'X-Nothing: 1', `authorization:bearer ${API_KEY}`],
    ),
    type: orOdd(PROPER.type, 'text/plain', 'application/json; charset=utf-16', 'APPLICATION/JSON;charset=utf-8'),
    more: fc.array(headerLine, { maxLength: 2 }),
  })
  .map(written);

const other = fc
  .constantFrom(
    ...[
      'GET / HTTP/1.1\r\nHost: p',
      'HEAD / HTTP/1.1\r\nHost: p',
      'GET / HTTP/1.1',
      'GET /nothing HTTP/1.1\r\nHost: p',
    ],
    ...['DELETE /proxy HTTP/1.1\r\nHost: p', 'HEAD /proxy HTTP/1.1\r\nHost: p', 'POST / HTTP/1.1\r\nHost: p'],
    ...[
      'GET / HTTP/1.0',
      'GET / HTTP/1.0\r\nConnection: keep-alive',
      'TRACE /proxy HTTP/1.1\r\nHost: p',
      'GET http://evil.example HTTP/1.1\r\nHost: p',
      'OPTIONS * HTTP/1.1\r\nHost: p',
    ],
    ...['CONNECT pay.example:443 HTTP/1.1\r\nHost: pay.example', 'PRI * HTTP/2.0', 'GET http://evil.example/ HTTP/1.1'],
    'OPTIONS /proxy HTTP/1.1\r\nHost: p\r\nOrigin: http://localhost\r\nAccess-Control-Request-Method: POST',
  )
  .map((head) => Buffer.from(`${head}\r\n\r\n`));

/** A request, proper or not, to the call route or not. */
export const request = fc.oneof(
  { weight: 2, arbitrary: properCall },
  { weight: 2, arbitrary: oddCall },
  { weight: 1, arbitrary: other },
);
