import { EventEmitter, once } from 'node:events';
import { expect, test } from 'vitest';
import { type ProxyBefore, startProxyBefore } from '../../support/proxy-before.ts';
import { callRaw, type RawCaller, rawCall } from '../../support/raw-caller.ts';
import type { LogLine } from '../../support/service.ts';
import type { UpstreamConnection } from '../../support/upstream.ts';

const KEY = `Authorization: Bearer ${'k'.repeat(32)}`;
const ID = 'X-Request-Id: the-call';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const PAY = JSON.stringify({ method: 'POST', path: '/pay', body: [1] });
const GET = JSON.stringify({ method: 'GET', path: '/status' });
const LARGE = `HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(100_000)}`;

/** What a test does with a call that the payment API has read. */
interface Play {
  readonly proxy: ProxyBefore;
  readonly caller: RawCaller;
  /** Resolves with the connection over which the payment API has read a request. */
  readonly asked: () => Promise<UpstreamConnection>;
}

/** How a call may end: what happens, and what its line then says. */
const ENDINGS: readonly (readonly [name: string, play: (play: Play) => Promise<unknown>, line: LogLine])[] = [
  [
    'it is answered',
    async ({ caller, asked }) => {
      await caller.send(rawCall(PAY, [KEY, ID]));
      (await asked()).socket.write(OK);
      await caller.reads(/ok$/);
    },
    { status: 200, outcome: 'answered' },
  ],
  [
    'its key is refused',
    async ({ caller }) => {
      await caller.send(rawCall(PAY, [ID]));
      await caller.reads(/ 401 /);
    },
    { status: 401, code: 'unauthorized', outcome: 'not_processed' },
  ],
  [
    'its method is refused',
    async ({ caller }) => {
      await caller.send(`GET /proxy HTTP/1.1\r\nHost: x\r\n${ID}\r\n\r\n`);
      await caller.reads(/ 405 /);
    },
    { status: 405, code: 'method_not_allowed', outcome: 'not_processed' },
  ],
  [
    'its envelope is refused',
    async ({ caller }) => {
      await caller.send(rawCall('not json', [KEY, ID]));
      await caller.reads(/ 400 /);
    },
    { status: 400, code: 'invalid_json', outcome: 'not_processed' },
  ],
  [
    'the HTTP parser refuses its body',
    async ({ caller }) => {
      const head = rawCall('', [KEY, ID]).replace('Content-Length: 0', 'Transfer-Encoding: chunked');
      await caller.send(head, 'not a chunk\r\n');
      await caller.reads(/ 400 /);
    },
    { status: 400, code: 'invalid_request', outcome: 'not_processed' },
  ],
  [
    'the caller is cut off while its body is awaited',
    async ({ caller }) => {
      await caller.send(rawCall(PAY, [KEY, ID, 'Expect: 100-continue']).slice(0, -PAY.length));
      await caller.reads(/100 Continue/);
      caller.socket.resetAndDestroy();
    },
    { outcome: 'not_processed', callerGone: true },
  ],
  [
    'the caller ends its request too early',
    async ({ caller }) => {
      await caller.send(rawCall(PAY, [KEY, ID]).slice(0, -3));
      caller.socket.end();
      await caller.reads(/ 400 /);
    },
    { status: 400, code: 'invalid_request', outcome: 'not_processed' },
  ],
  [
    'the caller of a payment goes while it waits',
    async ({ proxy, caller, asked }) => {
      await caller.send(rawCall(PAY, [KEY, ID]));
      const { socket } = await asked();
      caller.socket.destroy();
      // Once a later call has been refused, the service has read the end of the earlier connection, too.
      await proxy.post('not json');
      socket.write(OK);
    },
    { outcome: 'answered', callerGone: true, bytesReceived: 2 },
  ],
  [
    'the caller of a GET goes while it waits',
    async ({ caller, asked }) => {
      await caller.send(rawCall(GET, [KEY, ID]));
      await asked();
      caller.socket.destroy();
    },
    { code: 'caller_gone', outcome: 'unknown', callerGone: true },
  ],
  [
    'the payment API resets the connection',
    async ({ caller, asked }) => {
      await caller.send(rawCall(PAY, [KEY, ID]));
      (await asked()).tcp.resetAndDestroy();
      await caller.reads(/ 502 /);
    },
    { status: 502, code: 'upstream_reset', outcome: 'unknown', cause: 'ECONNRESET' },
  ],
  [
    'the payment API breaks off in the middle of a large answer',
    async ({ caller, asked }) => {
      await caller.send(rawCall(PAY, [KEY, ID]));
      (await asked()).socket.end(LARGE);
      await caller.ended;
    },
    { status: 200, code: 'upstream_incomplete', outcome: 'unknown' },
  ],
  [
    'the service is stopped while it waits',
    async ({ proxy, caller, asked }) => {
      await caller.send(rawCall(PAY, [KEY, ID]));
      await asked();
      await proxy.service.close();
      await caller.ended;
    },
    { outcome: 'unknown', wasCut: true },
  ],
];

test.each(ENDINGS)('when %s, there is one log line and one count', async (_name, play, expected) => {
  const requests = new EventEmitter();
  const settings = { PROXY_API_KEYS: `shop:${'k'.repeat(32)}`, METRICS_PORT: '0' };
  const proxy = await startProxyBefore((_request, connection) => requests.emit('request', connection), settings);
  const request = once(requests, 'request');
  const caller = await callRaw(proxy.service.port);

  await play({ proxy, caller, asked: async () => (await request)[0] });
  caller.socket.destroy();
  const line = await theLine(proxy);

  expect(line).toMatchObject({ requestId: 'the-call', ...expected });
  for (const field of ['status', 'callerGone', 'wasCut']) {
    if (!(field in expected)) expect(line).not.toHaveProperty(field);
  }
  if ('wasCut' in expected) return;
  // Whatever would come a second time has come once two more calls have gone through.
  await proxy.post('not json');
  await proxy.post('not json');
  const count = await counted(proxy);
  const lines = await proxy.service.callLines(count);
  expect(lines).toHaveLength(count);
  expect(lines.filter(({ requestId }) => requestId === 'the-call')).toHaveLength(1);
});

/** The line of the call, as soon as it is there. */
async function theLine(proxy: ProxyBefore): Promise<LogLine> {
  for (let count = 1; ; count += 1) {
    const lines = await proxy.service.callLines(count);
    const line = lines.find(({ requestId }) => requestId === 'the-call');
    if (line !== undefined) return line;
  }
}

/** How many calls the metrics know of, in both their forms. */
async function counted({ service }: ProxyBefore): Promise<number> {
  const port = service.log.find(({ msg }) => msg === 'metrics')?.port;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))].reduce(
      (total, [, count]) => total + Number(count),
      0,
    );
  expect(text).toContain('\nproxy_requests_in_flight 0\n');
  expect(sum('proxy_request_duration_seconds_count')).toBe(sum('proxy_requests_total'));
  return sum('proxy_requests_total');
}
