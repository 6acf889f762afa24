import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callRaw } from '../../support/raw-caller.ts';
import { type Door, openDoor, PAYMENT, startDoor } from './door.ts';
import { answersIn, talk } from './raw.ts';

const ENVELOPE = JSON.stringify(PAYMENT);
const LENGTH = `Content-Length: ${ENVELOPE.length}`;

/** A request with a right key. Header lines may end in anything: they are joined with CR LF, and nothing is checked. */
function request({ key }: Door, lines: readonly string[], body = ENVELOPE, start = 'POST /proxy HTTP/1.1'): string {
  const given = ['Host: service.example', `Authorization: Bearer ${key}`, 'Content-Type: application/json', ...lines];
  return `${[start, ...given].join('\r\n')}\r\n\r\n${body}`;
}

function chunked(body: string, { extension = '', trailer = '' } = {}): string {
  return `${body.length.toString(16)}${extension}\r\n${body}\r\n0\r\n${trailer}\r\n`;
}

/** What a parser may read in two ways, or not at all: by what it is, the bytes. */
const REFUSED: Readonly<Record<string, (door: Door) => string>> = {
  'both a length and chunks': (door) => request(door, [LENGTH, 'Transfer-Encoding: chunked'], chunked(ENVELOPE)),
  'chunks and then a length': (door) => request(door, ['Transfer-Encoding: chunked', LENGTH], chunked(ENVELOPE)),
  'two different lengths': (door) => request(door, [LENGTH, 'Content-Length: 5']),
  'the same length twice': (door) => request(door, [LENGTH, LENGTH]),
  'a list of lengths': (door) => request(door, [`${LENGTH}, ${ENVELOPE.length}`]),
  'a length with a sign': (door) => request(door, [`Content-Length: +${ENVELOPE.length}`]),
  'a negative length': (door) => request(door, ['Content-Length: -1']),
  'a hexadecimal length': (door) => request(door, ['Content-Length: 0x10']),
  'a length beyond all bounds': (door) => request(door, [`Content-Length: ${'9'.repeat(30)}`]),
  'a space before a colon': (door) => request(door, [`Content-Length : ${ENVELOPE.length}`]),
  'an obsolete line folding': (door) => request(door, ['X-A: b\r\n c', LENGTH]),
  'a folded first header': (door) => request(door, [LENGTH]).replace('\r\nHost', '\r\n Host'),
  'bare line feeds': (door) => request(door, [LENGTH]).replaceAll('\r\n', '\n'),
  'one bare line feed': (door) => request(door, ['X-A: b\nX-B: c', LENGTH]),
  'a bare carriage return': (door) => request(door, ['X-A: b\rX-B: c', LENGTH]),
  'a NUL in a value': (door) => request(door, ['X-A: b\0c', LENGTH]),
  'a NUL in a name': (door) => request(door, ['X-\0A: b', LENGTH]),
  'a header without a name': (door) => request(door, [': b', LENGTH]),
  'a space in a name': (door) => request(door, ['X A: b', LENGTH]),
  'a header without a colon': (door) => request(door, ['X-A', LENGTH]),
  'a chunk size that is none': (door) =>
    request(door, ['Transfer-Encoding: chunked'], `zz\r\n${ENVELOPE}\r\n0\r\n\r\n`),
  'a chunk that is longer than it says': (door) =>
    request(door, ['Transfer-Encoding: chunked'], `5\r\n${ENVELOPE}\r\n0\r\n\r\n`),
  'chunks with bare line feeds': (door) =>
    request(door, ['Transfer-Encoding: chunked'], chunked(ENVELOPE).replaceAll('\r\n', '\n')),
  'a chunk extension of 20 KB': (door) =>
    request(door, ['Transfer-Encoding: chunked'], chunked(ENVELOPE, { extension: `;a=${'b'.repeat(20_000)}` })),
  'a coding beside chunked': (door) => request(door, ['Transfer-Encoding: gzip, chunked'], chunked(ENVELOPE)),
  'a coding after chunked': (door) => request(door, ['Transfer-Encoding: chunked, gzip'], chunked(ENVELOPE)),
  'chunked twice': (door) => request(door, ['Transfer-Encoding: chunked, chunked'], chunked(ENVELOPE)),
  'an unknown coding': (door) => request(door, ['Transfer-Encoding: xchunked'], chunked(ENVELOPE)),
  'the coding identity': (door) => request(door, ['Transfer-Encoding: identity', LENGTH]),
  'two codings on two lines': (door) =>
    request(door, ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], chunked(ENVELOPE)),
  'chunks in HTTP/1.0': (door) =>
    request(door, ['Transfer-Encoding: chunked'], chunked(ENVELOPE), 'POST /proxy HTTP/1.0'),
  'no Host': (door) => request(door, [LENGTH]).replace('Host: service.example\r\n', ''),
  'two Hosts': (door) => request(door, ['host: other.example', LENGTH]),
  'the same Host twice': (door) => request(door, ['Host: service.example', LENGTH]),
  'a CONNECT': () => 'CONNECT pay.example:443 HTTP/1.1\r\nHost: pay.example:443\r\n\r\n',
  'HTTP/0.9': () => 'GET /\r\n\r\n',
  'the preface of HTTP/2': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  'HTTP/1.2': (door) => request(door, [LENGTH], ENVELOPE, 'POST /proxy HTTP/1.2'),
  'HTTP/2.0': (door) => request(door, [LENGTH], ENVELOPE, 'POST /proxy HTTP/2.0'),
  'a TLS handshake': () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'an unknown method': (door) => request(door, [LENGTH], ENVELOPE, 'PAY /proxy HTTP/1.1'),
  'a method in lower case': (door) => request(door, [LENGTH], ENVELOPE, 'post /proxy HTTP/1.1'),
  'a target without a slash': (door) => request(door, [LENGTH], ENVELOPE, 'POST proxy HTTP/1.1'),
  'a space in the target': (door) => request(door, [LENGTH], ENVELOPE, 'POST /proxy /pay HTTP/1.1'),
  'bytes that are no HTTP': () => '\x00\xff\xfe garbage\r\n\r\n',
};

/** The rows of a table share a door, since each leaves it as it was. */
let door: Door;

beforeAll(async () => {
  door = await startDoor();
});
afterAll(() => door.close());

describe('a request that can be read in two ways, or not at all, is refused and sent nowhere:', () => {
  test.concurrent.each(Object.keys(REFUSED))('%s', async (name) => {
    const answers = await talk(door.port, REFUSED[name]?.(door) ?? '');

    expect(answers).toHaveLength(1);
    const [answer] = answers;
    expect(answer?.status).toBe(400);
    expect(answer?.headers['proxy-outcome']).toBe('not_processed');
    expect(answer?.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer?.headers.connection).toBe('close');
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({
      code: 'invalid_request',
      outcome: 'not_processed',
      requestId: answer?.headers['x-request-id'],
    });
    expect(door.upstream.connections).toBe(0);
  });
});

test.each(['/proxy', '/', '/nothing'])('what follows a malformed request to %s is not processed', async (path) => {
  const door = await openDoor();
  const malformed = `GET ${path} HTTP/1.1\r\nHost: one.example\r\nHost: another.example\r\n\r\n`;

  const answers = await talk(door.port, malformed + request(door, [LENGTH]));

  expect(answers.map(({ status, headers }) => [status, headers.connection])).toEqual([[400, 'close']]);
  expect(door.upstream.connections).toBe(0);
});

describe('too much of it is refused:', () => {
  const tooLarge: Readonly<Record<string, (door: Door) => string>> = {
    'a header of 20 KB': (door) => request(door, [`X-A: ${'a'.repeat(20_000)}`, LENGTH]),
    'a header of 2 MB': (door) => request(door, [`X-A: ${'a'.repeat(2_000_000)}`, LENGTH]),
    'a target of 20 KB': (door) => request(door, [LENGTH], ENVELOPE, `POST /proxy?${'a'.repeat(20_000)} HTTP/1.1`),
    'many headers': (door) => request(door, ['Connection: close', ...Array(300).fill('a: b'), LENGTH]),
    'trailers of 20 KB': (door) =>
      request(door, ['Transfer-Encoding: chunked'], chunked(ENVELOPE, { trailer: `X-T: ${'t'.repeat(20_000)}\r\n` })),
  };

  test.concurrent.each(Object.keys(tooLarge))('%s', async (name) => {
    const [answer] = await talk(door.port, tooLarge[name]?.(door) ?? '');

    expect(answer?.status).toBe(431);
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ code: 'headers_too_large', outcome: 'not_processed' });
    expect(door.upstream.connections).toBe(0);
  });

  test('but no header is overlooked because of those before it', async () => {
    const door = await openDoor();

    const [answer] = await talk(
      door.port,
      request(door, [...Array(150).fill('a:'), 'Origin: http://evil.example', 'Connection: close', LENGTH]),
    );

    expect(answer?.status).toBe(403);
    expect(door.upstream.connections).toBe(0);
  });
});

describe('what HTTP allows is served:', () => {
  const close = 'Connection: close';
  const served: Readonly<Record<string, (door: Door) => string>> = {
    chunks: (door) => request(door, ['Transfer-Encoding: chunked', close], chunked(ENVELOPE)),
    'a chunk extension': (door) =>
      request(door, ['Transfer-Encoding: Chunked', close], chunked(ENVELOPE, { extension: ';a=b' })),
    trailers: (door) =>
      request(door, ['Transfer-Encoding: chunked', close], chunked(ENVELOPE, { trailer: 'X-T: 1\r\n' })),
    'an absolute target, whose host is not ours to judge': (door) =>
      request(door, [LENGTH, close], ENVELOPE, 'POST http://evil.example/proxy HTTP/1.1'),
    'HTTP/1.0': (door) => request(door, [LENGTH], ENVELOPE, 'POST /proxy HTTP/1.0'),
    'HTTP/1.0 without Host': (door) =>
      request(door, [LENGTH], ENVELOPE, 'POST /proxy HTTP/1.0').replace('Host: service.example\r\n', ''),
    'an offer of h2c': (door) =>
      request(door, ['Connection: close, Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk', LENGTH]),
    'an offer of a WebSocket': (door) => request(door, ['Connection: close, Upgrade', 'Upgrade: websocket', LENGTH]),
    'an empty line before it': (door) => `\r\n${request(door, [LENGTH, close])}`,
  };

  test.concurrent.each(Object.keys(served))('%s', async (name) => {
    const answers = await talk(door.port, served[name]?.(door) ?? '');

    expect(answers.map(({ status }) => status)).toEqual([200]);
    expect(door.upstream.received).not.toMatch(/upgrade|h2c|chunked|x-t|evil/i);
  });
});

test('an OPTIONS for the whole server is not found', async () => {
  const door = await openDoor();

  const [answer] = await talk(door.port, 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

  expect(answer?.status).toBe(404);
});

describe('an expectation', () => {
  const waiting = (key: string, expectation: string, version = '1.1') =>
    [
      `POST /proxy HTTP/${version}`,
      'Host: x',
      `Authorization: Bearer ${key}`,
      'Content-Type: application/json',
      `Expect: ${expectation}`,
      LENGTH,
      'Connection: close',
      '',
      '',
    ].join('\r\n');

  test('to be told to go on is met after the key was accepted', async () => {
    const door = await openDoor();
    const caller = await callRaw(door.port);

    await caller.send(waiting(door.key, '100-continue'));
    await caller.reads(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    await caller.send(ENVELOPE);

    expect(answersIn(await caller.ended).map(({ status }) => status)).toEqual([100, 200]);
  });

  test.each([
    ['the key is wrong', (door: Door) => waiting(`${door.key}x`, '100-continue'), 401],
    [
      'the body is too long',
      (door: Door) => waiting(door.key, '100-continue').replace(LENGTH, 'Content-Length: 9999999'),
      413,
    ],
    [
      'the origin is foreign',
      (door: Door) => waiting(door.key, '100-continue').replace('Host', 'Origin: null\r\nHost'),
      403,
    ],
    ['it is another one', (door: Door) => waiting(door.key, '200-ok'), 417],
  ])('is not met when %s', async (_, bytes, status) => {
    const door = await openDoor();

    const answers = await talk(door.port, bytes(door));

    expect(answers.map((answer) => answer.status)).toEqual([status]);
    expect(answers[0]?.headers['proxy-outcome']).toBe('not_processed');
    expect(door.upstream.connections).toBe(0);
  });

  test('of HTTP/1.0 is ignored, since such a caller would take the 100 for its answer', async () => {
    const door = await openDoor();

    const answers = await talk(door.port, waiting(door.key, '100-continue', '1.0') + ENVELOPE);

    expect(answers.map(({ status }) => status)).toEqual([200]);
  });
});
