import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { endingOf } from './support/calls.ts';
import { startOpenssl } from './support/openssl.ts';
import { startProxy } from './support/proxy.ts';

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('openssl s_server -Verify 1, %s', (tls) => {
  describe.each(['ec', 'rsa'] as const)('certificates with %s keys', (algorithm) => {
    test('an answer that ends with the connection (-WWW) passes to the last byte, and is unknown', async () => {
      const authority = await createAuthority({ algorithm });
      const files = { small: 'ok', large: randomBytes(3_000_000) };
      const openssl = await startOpenssl({ authority, tls, algorithm, files });
      const client = await authority.issue({ algorithm });
      const proxy = await startProxy({ authority, client, upstreamPort: openssl.port });

      const small = await post(proxy.port, { method: 'GET', path: '/small' });
      const large = await post(proxy.port, { method: 'GET', path: '/large' });

      expect(endingOf(small)).toBe('unknown 200');
      expect(small.body.toString()).toBe('ok');
      expect(endingOf(large)).toBe('unknown 200');
      expect(large.body.equals(files.large)).toBe(true);
    });

    test('an answer that tells its length (-HTTP) is answered', async () => {
      const authority = await createAuthority({ algorithm });
      const files = { pay: 'HTTP/1.1 201 Created\r\nX-Order: 7\r\nContent-Length: 4\r\n\r\npaid' };
      const openssl = await startOpenssl({ authority, tls, algorithm, files, mode: 'HTTP' });
      const client = await authority.issue({ algorithm });
      const proxy = await startProxy({ authority, client, upstreamPort: openssl.port });

      const answer = await post(proxy.port, { method: 'GET', path: '/pay' });

      expect(endingOf(answer)).toBe('answered 201');
      expect(answer.headers['x-order']).toBe('7');
      expect(answer.body.toString()).toBe('paid');
    });
  });
});
