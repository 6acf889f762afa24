import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { type Authority, createAuthority, type KeyPair } from '../../../scripts/pki.ts';

const DAY_MS = 86_400_000;
const opened: { close(): unknown }[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

/** What the server saw of the client, once both sides have finished the handshake. */
async function handshake(
  server: KeyPair,
  client: KeyPair,
  roots: { readonly ofServer: Authority; readonly ofClient: Authority },
  options: { readonly host?: string; readonly version?: tls.SecureVersion } = {},
): Promise<{ authorized: boolean; commonName: unknown }> {
  const listener = tls.createServer({
    cert: server.certPem,
    key: server.keyPem,
    ca: roots.ofClient.certPem,
    requestCert: true,
    rejectUnauthorized: true,
    maxVersion: options.version ?? 'TLSv1.3',
  });
  opened.push(listener);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo; // a TCP listener: never a pipe's name
  const accepted = once(listener, 'secureConnection') as Promise<[tls.TLSSocket]>; // the documented arguments
  const socket = tls.connect({
    host: '127.0.0.1',
    servername: options.host ?? 'localhost',
    port,
    cert: client.certPem,
    key: client.keyPem,
    ca: roots.ofServer.certPem,
  });
  opened.push({ close: () => socket.destroy() });
  await once(socket, 'secureConnect');
  const [seen] = await accepted;
  opened.push({ close: () => seen.destroy() });
  return { authorized: seen.authorized, commonName: seen.getPeerCertificate().subject.CN };
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a client certificate under an intermediate is accepted over %s',
  async (version) => {
    const serverRoot = await createAuthority({ commonName: 'Server root' });
    const clientRoot = await createAuthority({ commonName: 'Client root' });
    const server = await serverRoot.issue({ usage: 'server', names: ['localhost'] });
    const client = await (await clientRoot.createIntermediate()).issue({ commonName: 'mini-app-1' });

    const seen = await handshake(server, client, { ofServer: serverRoot, ofClient: clientRoot }, { version });

    expect(seen).toEqual({ authorized: true, commonName: 'mini-app-1' });
  },
);

test('RSA certificates on every level are accepted too, through two intermediates', async () => {
  const root = await createAuthority({ algorithm: 'rsa' });
  const second = await (await root.createIntermediate()).createIntermediate({ commonName: 'Second intermediate' });
  const server = await second.issue({ usage: 'server', algorithm: 'rsa' });
  const client = await second.issue({ algorithm: 'rsa', commonName: 'rsa-app' });

  const seen = await handshake(server, client, { ofServer: root, ofClient: root });

  expect(seen).toEqual({ authorized: true, commonName: 'rsa-app' });
});

test('a server is refused under a name that its certificate does not list', async () => {
  const root = await createAuthority();
  const server = await root.issue({ usage: 'server', names: ['pay.example', '127.0.0.1'] });

  const refused = handshake(server, await root.issue(), { ofServer: root, ofClient: root }, { host: 'other.example' });

  await expect(refused).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

test('a client certificate does not pass for a server', async () => {
  const root = await createAuthority();
  const wrong = await root.issue({ usage: 'client', names: ['localhost'] });

  const refused = handshake(wrong, await root.issue(), { ofServer: root, ofClient: root });

  await expect(refused).rejects.toMatchObject({ code: 'INVALID_PURPOSE' });
});

test('a leaf is a leaf: usages, names, key, dates and chain are what was asked for', async () => {
  const root = await createAuthority();
  const intermediate = await root.createIntermediate();
  const { certPem, keyPem } = await intermediate.issue({ usage: 'server', names: ['a.example', '192.0.2.1', '::1'] });
  const [leafPem, issuerPem, ...rest] = certPem.split(/(?<=-----END CERTIFICATE-----\n)/);
  const leaf = new X509Certificate(leafPem ?? '');

  expect([issuerPem, ...rest]).toEqual([intermediate.certPem]);
  expect(leaf.ca).toBe(false);
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect(leaf.subject).toBe('CN=a.example');
  expect(leaf.subjectAltName).toBe('DNS:a.example, IP Address:192.0.2.1, IP Address:0:0:0:0:0:0:0:1');
  expect(leaf.checkIssued(new X509Certificate(intermediate.certPem))).toBe(true);
  expect(new X509Certificate(intermediate.certPem).ca).toBe(true);
  expect(keyPem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  expect(Date.parse(leaf.validFrom)).toBeLessThan(Date.now());
  expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBe(390 * DAY_MS + DAY_MS / 24);
});

test('dates are kept to the second, so that expired certificates can be made', async () => {
  const root = await createAuthority();
  const notBefore = new Date('2020-01-01T00:00:00Z');
  const notAfter = new Date('2020-02-03T04:05:06Z');
  const expired = new X509Certificate((await root.issue({ notBefore, notAfter })).certPem);
  const oldAuthority = new X509Certificate((await root.createIntermediate({ notBefore, notAfter })).certPem);

  for (const certificate of [expired, oldAuthority]) {
    expect(new Date(certificate.validFrom)).toEqual(notBefore);
    expect(new Date(certificate.validTo)).toEqual(notAfter);
  }
});

test('no two certificates share a serial number, and none is negative', async () => {
  const root = await createAuthority();
  const serials = await Promise.all(
    Array.from({ length: 20 }, async () => new X509Certificate((await root.issue()).certPem).serialNumber),
  );

  expect(new Set(serials).size).toBe(20);
  for (const serial of serials) expect(serial).toMatch(/^[0-9A-F]{2,34}$/);
});
