/** Random bytes for an answer of the payment API: proper answers, and what becomes of them when they are bent. */
import fc from 'fast-check';
import { mutated } from './mutation.ts';
import { split } from './split.ts';

/** A call, and what the payment API does once it has read the request. */
export interface Play {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** The bytes, in the pieces in which they are sent. */
  readonly writes: readonly Uint8Array[];
  /** Afterwards: leave the connection open, close it, or reset it. */
  readonly ending: 'open' | 'close' | 'reset';
}

const BODIES = [
  '',
  '{"resultType":"SUCCESS"}',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  '\0\xff\r\n',
  'x'.repeat(3_000),
];
const INTERIM = ['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'];
const STATUSES = [200, 200, 200, 201, 204, 304, 302, 400, 404, 408, 429, 500, 503];
const HEADERS = [
  ...['Content-Type: application/json', 'Connection: keep-alive', 'Connection: close', 'Keep-Alive: timeout=5'],
  ...['Set-Cookie: a=1', 'Set-Cookie: b=2', 'X-Empty:', 'Trailer: X-Late', 'Server-Timing: a;dur=1', 'Date: today'],
  ...['Proxy-Outcome: not_processed', 'X-Request-Id: theirs', 'Connection: X-Empty', 'Content-Encoding: gzip'],
];

const head = fc.tuple(fc.constantFrom(...STATUSES), fc.uniqueArray(fc.constantFrom(...HEADERS), { maxLength: 4 }));

const answer: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.oneof({ weight: 5, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom(...INTERIM) }),
    head,
    fc.constantFrom(...BODIES),
    fc.constantFrom('length', 'length', 'chunks', 'close'),
  )
  .map(([interim, [status, headers], body, framing]) => {
    const hasBody = status !== 204 && status !== 304;
    const lines = [`HTTP/1.1 ${status} Whatever`, ...headers];
    if (hasBody && framing === 'length') lines.push(`Content-Length: ${body.length}`);
    if (hasBody && framing === 'chunks') lines.push('Transfer-Encoding: chunked');
    const content = framing === 'chunks' ? chunked(body) : body;
    return Buffer.from(`${interim}${lines.join('\r\n')}\r\n\r\n${hasBody ? content : ''}`, 'latin1');
  });

function chunked(body: string): string {
  const half = Math.ceil(body.length / 2);
  const chunks = [body.slice(0, half), body.slice(half)].filter((chunk) => chunk !== '');
  return `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;
}

const TOKENS = [
  ...['\r\n\r\n', '\r\n ', ' \r\n', 'HTTP/1.1 ', 'HTTP/1.0 ', 'HTTP/2 ', '100', '101', '99', '408', '600', ' 200 OK'],
  ...['Content-Length: 0\r\n', 'Content-Length: 7\r\n', '\r\nContent-Length : 7', 'content-length: 24\r\n'],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n', 'Transfer-Encoding: identity\r\n'],
  ...['0\r\n\r\n', '0\r\nX-Late: 1\r\n\r\n', 'ffffffffffffffff', '+', '0x', ';a="b"', '=', 'Connection: close\r\n'],
  ...['Upgrade: h2c\r\n', 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'],
];

const bytes = fc.oneof(
  { weight: 4, arbitrary: answer },
  { weight: 10, arbitrary: mutated(answer, TOKENS) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
);

/** One call and its answer. */
export const play: fc.Arbitrary<Play> = fc
  .tuple(
    fc.constantFrom('POST', 'POST', 'GET', 'HEAD'),
    bytes,
    fc.array(fc.nat(9_999), { maxLength: 3 }),
    fc.constantFrom('open', 'open', 'open', 'close', 'reset'),
  )
  .map(([method, all, cuts, ending]) => ({ method, writes: split(all, cuts), ending }));
