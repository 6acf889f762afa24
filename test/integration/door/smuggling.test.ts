import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { post } from '../../support/caller.ts';
import { type RunningService, startService } from '../../support/service.ts';
import { onRequest, startUpstream, type Upstream } from '../../support/upstream.ts';

/** What ends a line, a head or a body somewhere; U+010A and U+010D become line ends where characters are cut to bytes. */
const FRAGMENTS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\u010d\u010a',
  '\r\n\r\n',
  '%0d%0a',
  ' ',
  '\t',
  ':',
  ',',
  'POST /evil HTTP/1.1',
  ' HTTP/1.1',
  'Host: evil.example',
  'Content-Length',
  'Content-Length: 0',
  'content_length',
  'Transfer-Encoding',
  'Transfer-Encoding: chunked',
  'chunked',
  'Connection',
  'close',
  '0',
  '5',
  'a',
  'é',
  '\u20ac',
  '/',
  '?',
  '#',
  '..',
];

const nasty = fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 4 }).map((parts) => parts.join(''));
const mild = fc.stringMatching(/^[a-z0-9-]{1,8}$/);

const envelopes = fc.record(
  {
    method: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('POST', 'get', 'DELETE', 'HEAD', 'PUT') }, nasty),
    path: fc.oneof(
      mild.map((text) => `/${text}`),
      nasty.map((text) => `/${text}`),
    ),
    headers: fc.dictionary(
      fc.oneof(mild, nasty, fc.constantFrom('Content-Length', 'Transfer-Encoding', 'Expect', 'Upgrade', 'Host')),
      fc.oneof(mild, nasty, fc.constantFrom('chunked', '0', '1000', '100-continue', 'evil.example')),
      { maxKeys: 4 },
    ),
    body: fc.oneof(nasty, fc.dictionary(mild, nasty), fc.array(nasty, { maxLength: 3 })),
  },
  { requiredKeys: ['method', 'path'] },
);

let service: RunningService;
let upstream: Upstream;
let requests: string[] = [];

beforeAll(async () => {
  const authority = await createAuthority();
  upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, (request) => {
      requests.push(request);
      connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
  });
  service = await startService({ authority, upstreamPorts: [upstream.port] });
});
afterAll(async () => {
  await service.close();
  await upstream.close();
});

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | readonly string[] | Readonly<Record<string, string>>;
}

/** The body as UTF-8, a character for each byte. */
function bodyOf({ body }: Sent): string {
  const isEmptyObject = typeof body === 'object' && !Array.isArray(body) && Object.keys(body).length === 0;
  if (body === undefined || body === '' || isEmptyObject) return '';
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)).toString('latin1');
}

test('no envelope makes a second request, a header of its own making or another length', async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(envelopes, async (envelope) => {
      requests = [];
      const before = upstream.received.length;

      const { status, headers } = await post(service.port, envelope);

      if (headers['proxy-outcome'] !== 'answered') {
        expect([400, 403]).toContain(status);
        expect(upstream.received).toHaveLength(before);
        return;
      }
      answered += 1;
      expect(requests).toHaveLength(1);
      expect(upstream.received.slice(before)).toBe(requests[0]);
      const [head = '', ...rest] = (requests[0] ?? '').split('\r\n\r\n');
      expect(rest.join('\r\n\r\n')).toBe(bodyOf(envelope));
      const [requestLine, ...lines] = head.split('\r\n');
      expect(requestLine).toBe(`${envelope.method.toUpperCase()} ${envelope.path} HTTP/1.1`);
      const given = Object.entries(envelope.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
      const ours = lines.filter((line) => !given.includes(line));
      for (const line of ours) expect(line).toMatch(/^(?:Host|Content-Type|Content-Length|Connection): [\w:/-]+$/);
      const named = (name: string) => lines.filter((line) => line.toLowerCase().startsWith(`${name}:`));
      expect(named('host')).toEqual([`Host: localhost:${upstream.port}`]);
      expect(named('content-length').length).toBeLessThan(2);
      for (const name of ['transfer-encoding', 'content_length', 'expect', 'upgrade']) expect(named(name)).toEqual([]);
    }),
    { numRuns: 400 },
  );
  // A property that refuses everything would prove nothing.
  expect(answered).toBeGreaterThan(20);
});
