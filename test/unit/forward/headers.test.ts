import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UpstreamHost } from '../../../src/config.ts';
import { parseEnvelope } from '../../../src/forward/envelope.ts';
import { isWritable, requestHeaders, responseHeaders } from '../../../src/forward/headers.ts';

const host: UpstreamHost = {
  label: 'api.example:8443',
  hostname: 'api.example',
  port: 8443,
  authority: 'api.example:8443',
};

interface Call {
  readonly method?: string;
  readonly headers?: Record<string, unknown>;
  readonly body?: unknown;
}

/** The header lines of the request that a call makes, as they would stand on the wire. */
function sent(call: Call): string[] {
  const envelope = parseEnvelope(Buffer.from(JSON.stringify({ method: 'POST', path: '/', ...call })));
  return lines(requestHeaders(envelope, { host, path: envelope.path }));
}

function lines(raw: readonly string[]): string[] {
  expect(raw.length % 2).toBe(0);
  return raw.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${raw[index + 1]}`] : []));
}

/** A name in every spelling that a server behind CGI takes for the same. */
function spellings(name: string): string[] {
  const upper = name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  return [...new Set([name, upper, name.toUpperCase(), name.replaceAll('-', '_'), upper.replaceAll('-', '_')])];
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

describe('the request to the payment API', () => {
  it('names the host first, keeps the headers as they are spelled, and tells the length in bytes', () => {
    expect(sent({ headers: { 'x-Toss-User-Key': 'é', authorization: 'Bearer x', X_Mine: 1 }, body: '결제' })).toEqual([
      'Host: api.example:8443',
      'x-Toss-User-Key: é',
      'authorization: Bearer x',
      'X_Mine: 1',
      'Content-Type: application/json',
      'Content-Length: 6',
    ]);
  });

  it('has the content type that the caller gave, in any case', () => {
    expect(sent({ headers: { 'content-TYPE': 'text/plain' }, body: 'x' })).toEqual([
      'Host: api.example:8443',
      'content-TYPE: text/plain',
      'Content-Length: 1',
    ]);
  });

  it.each([
    ['POST', ['Content-Length: 0']],
    ['PUT', ['Content-Length: 0']],
    ['PATCH', ['Content-Length: 0']],
    ['GET', []],
    ['HEAD', []],
    ['DELETE', []],
  ])('by %s without a body has no content type, and the framing %j', (method, framing) => {
    expect(sent({ method })).toEqual(['Host: api.example:8443', ...framing]);
  });

  it('by DELETE with a body is framed', () => {
    expect(sent({ method: 'DELETE', body: [] })).toContain('Content-Length: 2');
  });

  it.each(
    [
      ...HOP_BY_HOP,
      'host',
      'content-length',
      'expect',
      'proxy-connection',
      'proxy-authorization',
      'proxy-anything',
    ].flatMap(spellings),
  )('never has the caller’s %s', (name) => {
    expect(sent({ headers: { [name]: 'canary', 'X-A': 'b' } })).toEqual([
      'Host: api.example:8443',
      'X-A: b',
      'Content-Length: 0',
    ]);
  });

  it('has no header that the caller’s Connection names, in any spelling', () => {
    const headers = {
      'X-Hop': '1',
      x_hop_2: '2',
      'X-Stays': '3',
      'X-Hop-3': '4',
      CONNECTION: ' close ,x-hop,,X-HOP-2, x_hop_3',
    };
    expect(sent({ method: 'GET', headers })).toEqual(['Host: api.example:8443', 'X-Stays: 3']);
  });

  it('keeps what a Connection names with other white space than HTTP has', () => {
    const headers = { 'X-A': '1', 'X-B': '2', Connection: '\u00a0x-a, x-b\u00a0' };
    expect(sent({ method: 'GET', headers })).toEqual(['Host: api.example:8443', 'X-A: 1', 'X-B: 2']);
  });

  it('is one request, whatever the envelope: one host, one length, no line break, no hop-by-hop header', () => {
    const name = fc.oneof(
      fc
        .constantFrom(...HOP_BY_HOP, 'host', 'content-length', 'content-type', 'proxy-x', 'expect')
        .chain((known) => fc.constantFrom(...spellings(known))),
      fc.string({ maxLength: 8 }),
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('chunked', 'close, x-a', '5', 'a\r\nb: c'),
      fc.integer(),
      fc.boolean(),
    );
    const envelope = fc.record({
      method: fc.constantFrom('POST', 'PUT', 'DELETE', 'GET'),
      path: fc.constant('/'),
      headers: fc.dictionary(name, value),
      body: fc.oneof(fc.string(), fc.object()),
    });
    let accepted = 0;
    fc.assert(
      fc.property(envelope, (call) => {
        const parsed = (() => {
          try {
            return parseEnvelope(Buffer.from(JSON.stringify(call)));
          } catch {
            return undefined;
          }
        })();
        if (parsed === undefined) return;
        accepted++;
        const raw = requestHeaders(parsed, { host, path: parsed.path });
        for (const text of raw) expect(text).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
        const names = raw.filter((_, index) => index % 2 === 0).map((each) => each.toLowerCase().replaceAll('_', '-'));
        expect(names[0]).toBe('host');
        expect(names.filter((each) => each === 'host')).toHaveLength(1);
        expect(
          names.filter((each) => HOP_BY_HOP.includes(each) || each.startsWith('proxy-') || each === 'expect'),
        ).toEqual([]);
        const length = lines(raw).filter((line) => /^content[-_]length:/i.test(line));
        const bytes = parsed.body?.length ?? (parsed.method === 'POST' || parsed.method === 'PUT' ? 0 : undefined);
        expect(length).toEqual(bytes === undefined ? [] : [`Content-Length: ${bytes}`]);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(200);
  });
});

describe('the answer to the caller', () => {
  const passed = (raw: string[], method: 'GET' | 'HEAD' | 'POST' = 'POST', status = 200) =>
    lines(responseHeaders(raw, { method, status }));

  it('has the payment API’s headers untouched, in their order, each as often as it came', () => {
    const raw = [
      ...[
        'Date',
        'Mon, 23 Nov 2026 05:43:15 GMT',
        'set-COOKIE',
        'a=1',
        'Content-Encoding',
        'gzip',
        'Set-Cookie',
        'b=2',
      ],
      ...['Content-Type', 'application/json;charset=UTF-8', 'ETag', 'W/"x"', 'Vary', 'Origin', 'Content-Length', '5'],
      ...['X-Caf\u00e9', ' \t', 'Location', '/elsewhere', 'Keep-Alive-Not', '1', 'Set-Cookie', 'a=1'],
    ];
    expect(responseHeaders(raw, { method: 'POST', status: 302 })).toEqual(raw);
  });

  it.each([
    ...HOP_BY_HOP,
    ...['proxy-connection', 'proxy-authenticate', 'proxy-authentication-info'],
    ...['access-control-allow-origin', 'access-control-anything', 'strict-transport-security', 'alt-svc'],
    ...['x-request-id', 'proxy-outcome', 'proxy-status', 'server-timing'],
  ])('never has the payment API’s %s', (name) => {
    for (const spelling of [name, name.toUpperCase()]) {
      expect(passed(['A', '1', spelling, 'canary', 'B', '2'])).toEqual(['A: 1', 'B: 2']);
    }
  });

  it('has no header that a Connection names, before or after it', () => {
    const raw = ['X-A', '1', 'Connection', 'x-a, X-B', 'x-b', '2', 'CONNECTION', 'x-c', 'X-C', '3', 'X-D', '4'];
    expect(passed(raw)).toEqual(['X-D: 4']);
    expect(passed(['Connection', 'Keep-Alive', 'Keep-Alive', 'timeout=5', 'X-D', '4'])).toEqual(['X-D: 4']);
  });

  it('has no length where it would not be that of the answer: HEAD and 204', () => {
    const raw = ['Content-Length', '5', 'ETag', '"x"'];
    expect(passed(raw, 'HEAD')).toEqual(['ETag: "x"']);
    expect(passed(raw, 'GET', 204)).toEqual(['ETag: "x"']);
    expect(passed(raw, 'GET', 304)).toEqual(['Content-Length: 5', 'ETag: "x"']);
  });

  it('is made in linear time from a hostile Connection', () => {
    for (const hostile of [' ,', ' ', '\t,\t', ', x', 'x']) {
      const many = hostile.repeat(100_000);
      expect(passed(['Connection', `${many}, a,${many}`, 'A', '1', 'B', '2'])).toEqual(['B: 2']);
    }
  });
});

describe('an answer', () => {
  it.each([[200], [204], [302], [404], [599], [600], [999]])('with the status %d can be sent on', (status) => {
    expect(isWritable(status, ['X-A', 'caf\u00e9\t', 'X-Empty', '', 'Transfer-Encoding', 'Chunked'])).toBe(true);
  });

  it.each([['identity'], ['chunked']])('with chunked behind %s can be sent on', (coding) => {
    expect(isWritable(200, ['Transfer-Encoding', coding, 'Transfer-Encoding', 'chunked'])).toBe(true);
  });

  it.each([[0], [99], [100], [101], [103], [199], [1000]])('with the status %d cannot', (status) => {
    expect(isWritable(status, [])).toBe(false);
  });

  it.each([
    ['an empty name', ['', 'b']],
    ['a space in a name', ['X A', 'b']],
    ['a space after a name', ['A', '1', 'Transfer-Encoding ', 'chunked']],
    ['a control character in a value', ['A', '1', 'B', '\x7f']],
    ['a line break in a value', ['A', 'b\r\nc: d']],
    ['a coding that Node leaves in the body', ['Transfer-Encoding', 'gzip, chunked']],
    ['a coding after chunked', ['transfer-encoding', 'chunked, gzip']],
    ['a coding in a line of its own', ['Transfer-Encoding', 'gzip', 'Transfer-Encoding', 'chunked']],
    ['chunked before a coding that is none', ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'identity']],
  ])('with %s cannot', (_, raw) => {
    expect(isWritable(200, raw)).toBe(false);
  });
});
