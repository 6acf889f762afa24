import { describe, expect, test } from 'vitest';
import { post } from '../support/caller.ts';
import { endingOf, tally } from './support/calls.ts';
import { startHaproxy } from './support/haproxy.ts';
import { startOpenssl } from './support/openssl.ts';
import { startProxy } from './support/proxy.ts';
import { startPython } from './support/python.ts';
import { createOldAuthority, FAULTS, refusedClient } from './support/refused-client.ts';

const TRIES = 200;
const AT_ONCE = 8;

const SERVERS = {
  'openssl s_server': startOpenssl,
  HAProxy: startHaproxy,
  "Python's ssl": startPython,
};

const authority = await createOldAuthority();
const files = { pay: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' };

describe.each(Object.entries(SERVERS))('%s', (name, startServer) => {
  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (tls) => {
    const start = () => startServer({ authority, tls, files, mode: 'HTTP' });

    test('a good certificate is accepted', async () => {
      const server = await start();
      const proxy = await startProxy({ authority, upstreamPort: server.port });

      // The only method that s_server knows is GET, and Python's server knows POST alone.
      const method = name === 'openssl s_server' ? 'GET' : 'POST';
      expect(endingOf(await post(proxy.port, { method, path: '/pay' }))).toBe('answered 200');
    });

    test.each(FAULTS)(
      `a certificate that it refuses (%s) is not_processed in ${TRIES} of ${TRIES} tries`,
      async (fault) => {
        const server = await start();
        const proxy = await startProxy({
          authority,
          upstreamPort: server.port,
          ...(await refusedClient(authority, fault)),
        });

        const startedAtMs = performance.now();
        const endings = await tally(TRIES, AT_ONCE, () =>
          post(proxy.port, { method: 'POST', path: '/pay', body: { a: 1 } }),
        );
        const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);

        console.log(`${name}, ${tls}, ${fault}: ${JSON.stringify(endings)} of ${TRIES} in ${seconds} s`);
        expect(endings).toEqual({ 'not_processed client_certificate_rejected': TRIES });
      },
    );
  });
});
