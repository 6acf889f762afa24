import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { tally } from './support/calls.ts';
import { startHaproxy } from './support/haproxy.ts';
import { startProxy } from './support/proxy.ts';

const CONNECTIONS = 16;
const CALL = { method: 'POST', path: '/pay', body: { amount: 1 } };

const authority = await createAuthority();

/** Opens a connection, sends nothing, and resolves with what came over it when the server has closed it. */
async function whatAnIdleClientGets(port: number): Promise<string> {
  const client = await authority.issue();
  const socket = connect({ port, host: '127.0.0.1', ca: authority.certPem, cert: client.certPem, key: client.keyPem });
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(socket, 'close');
  return text;
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a 408 that HAProxy sends on idle connections answers no call, %s',
  async (tls) => {
    const haproxy = await startHaproxy({ authority, tls, defaults: ['timeout http-request 2s'] });
    const settings = { UPSTREAM_WARM_CONNECTIONS: String(CONNECTIONS) };
    const proxy = await startProxy({ authority, upstreamPort: haproxy.port, settings });
    await vi.waitUntil(async () => (await proxy.connections()).idle === CONNECTIONS, { interval: 5, timeout: 10_000 });

    // This client has come last, so when it has its 408 the service's connections have had theirs.
    const text = await whatAnIdleClientGets(haproxy.port);
    const endings = await tally(4 * CONNECTIONS, CONNECTIONS, () => post(proxy.port, CALL));

    expect(text).toMatch(/^HTTP\/1\.[01] 408 /);
    expect(endings).toEqual({ 'answered 200': 4 * CONNECTIONS });
  },
);

test.each(['TLSv1.2', 'TLSv1.3'] as const)('calls go on when HAProxy has closed idle connections, %s', async (tls) => {
  const haproxy = await startHaproxy({ authority, tls, defaults: ['timeout http-keep-alive 2s'] });
  const proxy = await startProxy({ authority, upstreamPort: haproxy.port });

  for (let rounds = 0; rounds < 2; rounds += 1) {
    const endings = await tally(CONNECTIONS, CONNECTIONS, () => post(proxy.port, CALL));
    expect(endings).toEqual({ 'answered 200': CONNECTIONS });
    expect((await proxy.connections()).idle).toBeGreaterThan(0);
    await vi.waitUntil(async () => (await proxy.connections()).idle === 0, { interval: 20, timeout: 10_000 });
  }
  const endings = await tally(CONNECTIONS, CONNECTIONS, () => post(proxy.port, CALL));
  expect(endings).toEqual({ 'answered 200': CONNECTIONS });
});
