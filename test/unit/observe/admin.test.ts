import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAdmin, mayBeWebPage } from '../../../src/observe/admin.ts';
import { Metrics } from '../../../src/observe/metrics.ts';

const onError = vi.fn();
let admin: ReturnType<typeof createAdmin>;
let inFlight: () => number;
let base: string;

beforeEach(async () => {
  onError.mockReset();
  inFlight = () => 1;
  const metrics = new Metrics({
    inFlight: () => inFlight(),
    connections: () => [],
    certificateNotAfter: () => new Date(),
  });
  admin = createAdmin(metrics, () => ({ inFlight: inFlight() }), onError).listen(0, '127.0.0.1');
  await once(admin, 'listening');
  base = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`;
});

afterEach(async () => {
  admin.closeAllConnections();
  admin.close();
  await once(admin, 'close');
});

test('GET /metrics is Prometheus’s text', async () => {
  const answer = await fetch(`${base}/metrics`);

  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await answer.text()).toContain('\nproxy_requests_in_flight 1\n');
});

test('GET /status is JSON', async () => {
  const answer = await fetch(`${base}/status`);

  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(await answer.json()).toEqual({ inFlight: 1 });
});

test('HEAD is answered like GET, without a body', async () => {
  const answer = await fetch(`${base}/metrics`, { method: 'HEAD' });

  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe('');
});

test('there is nothing else', async () => {
  expect((await fetch(base)).status).toBe(404);
  expect((await fetch(`${base}/proxy`, { method: 'POST', body: '{}' })).status).toBe(404);
  const answer = await fetch(`${base}/status`, { method: 'POST', body: '{}' });
  expect(answer.status).toBe(405);
  expect(answer.headers.get('allow')).toBe('GET, HEAD');
});

test.each(['/metrics', '/status'])('a bug on the way to %s is told and answered, and ends nothing', async (path) => {
  const bug = new Error('a bug');
  inFlight = () => {
    throw bug;
  };

  const answer = await fetch(base + path);

  expect(answer.status).toBe(500);
  expect(await answer.text()).toBe('');
  expect(onError).toHaveBeenCalledExactlyOnceWith(bug);
});

/** The status of an answer to a request with these headers. */
async function statusFor(headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  const asked = request(`${base}/status`, { headers }).end();
  const [answer] = await once(asked, 'response');
  answer.resume();
  return answer.statusCode;
}

test.each(['http://evil.example', 'http://localhost:3000', 'null'])(
  'a web page is refused: Origin %s',
  async (Origin) => {
    expect(await statusFor({ Origin })).toBe(403);
  },
);

test.each([
  'evil.example',
  '127.evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example:80',
  '192.0.2.1',
  'x',
])('a web page whose name leads to this machine is refused: Host %s', async (Host) => {
  expect(await statusFor({ Host })).toBe(403);
});

test.each(['localhost', 'LOCALHOST:9464', '127.0.0.1:9464', '127.0.1.1', '[::1]', '[::1]:9464'])(
  'a program on this machine is let through: Host %s',
  async (Host) => {
    expect(await statusFor({ Host })).toBe(200);
  },
);

test.each([
  ['::1', 'prometheus.example', true],
  ['::ffff:127.0.0.1', 'prometheus.example', true],
  ['192.0.2.1', 'prometheus.example:9464', false],
  ['2001:db8::1', '[2001:db8::1]:9464', false],
])('on %s, Host %s is a web page: %s', (localAddress, host, expected) => {
  expect(mayBeWebPage({ headers: { host }, socket: { localAddress } })).toBe(expected);
});
