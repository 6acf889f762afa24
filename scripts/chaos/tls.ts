import { createSecureContext, type SecureContextOptions, type TLSSocketOptions } from 'node:tls';
import { type Authority, createAuthority } from '../pki.ts';
import { LATE_ALERT_CIPHER } from './late-alert.ts';
import type { TlsKind } from './manners.ts';

/** How many tickets Node's server sends once it knows whose sessions they are for. */
export const TICKETS = 2;

/** The ways in which the payment API's end sets up TLS. It always asks for a client certificate. */
export async function makeTls(authority: Authority): Promise<Record<TlsKind, TLSSocketOptions>> {
  const [server, rsa, impostor] = await Promise.all([
    authority.issue({ usage: 'server' }),
    authority.issue({ usage: 'server', algorithm: 'rsa' }),
    createAuthority({ commonName: 'Nobody' }).then((nobody) => nobody.issue({ usage: 'server' })),
  ]);
  const make = (pair: { certPem: string; keyPem: string }, options: SecureContextOptions): TLSSocketOptions => ({
    isServer: true,
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    secureContext: createSecureContext({ cert: pair.certPem, key: pair.keyPem, ca: authority.certPem, ...options }),
  });
  const tls13: SecureContextOptions = { minVersion: 'TLSv1.3', ciphers: LATE_ALERT_CIPHER };
  // A client whose key fits none of these signs nothing and shows no certificate, and OpenSSL refuses that with an alert.
  const refusing: SecureContextOptions = { sigalgs: 'RSA-PSS+SHA256:RSA+SHA256' };
  return {
    tickets: make(server, { ...tls13, sessionIdContext: 'chaos' }),
    noTickets: make(server, tls13),
    tls12: make(server, { maxVersion: 'TLSv1.2' }),
    refusing: make(rsa, { ...refusing, minVersion: 'TLSv1.3' }),
    refusing12: make(rsa, { ...refusing, maxVersion: 'TLSv1.2' }),
    impostor: make(impostor, {}),
  };
}
