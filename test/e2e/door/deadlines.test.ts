import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { callRaw } from '../../support/raw-caller.ts';
import { type RunningService, startService } from '../../support/service.ts';

const HEAD = 'POST /proxy HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

/** How often a slow caller sends another byte. */
const DRIP_MS = 500;

let service: RunningService;

beforeAll(async () => {
  // Nothing gets as far as the payment API.
  service = await startService({ authority: await createAuthority(), upstreamPorts: [1] });
});
afterAll(() => service.close());

/** Sends `bytes` and then a drop again and again, until the service ends the connection. */
async function drip(bytes: string, drop: string) {
  const caller = await callRaw(service.port);
  const startedAtMs = performance.now();
  await caller.send(bytes);
  const dripping = setInterval(() => caller.socket.write(drop), DRIP_MS);
  const text = await caller.ended;
  clearInterval(dripping);
  return { text, seconds: (performance.now() - startedAtMs) / 1_000 };
}

test.concurrent.each([
  ['a head that drips', HEAD, 'X', 408],
  ['a connection on which nothing is said', '', '', 408],
  ['a body that drips', `${HEAD}Content-Length: 1000\r\n\r\n`, ' ', 408],
  ['chunks that drip', `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n', 408],
])('%s is refused after ten seconds', async (_, bytes, drop, status) => {
  const { text, seconds } = await drip(bytes, drop);

  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(text).toMatch(/^Proxy-Outcome: not_processed\r$/m);
  expect(text).toContain('"code":"request_timeout"');
  expect(seconds).toBeGreaterThan(9);
});

test.concurrent('a caller that has been refused and goes on sending is cut off', async () => {
  const { text, seconds } = await drip(`${HEAD}Origin: null\r\nContent-Length: 1000000\r\n\r\n`, 'x'.repeat(1_000));

  expect(text).toMatch(/^HTTP\/1\.1 403 /);
  expect(seconds).toBeGreaterThan(4);
});
