import { once } from 'node:events';
import { createServer } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { openPool } from '../../support/pool.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

async function canListenOn(host: string): Promise<boolean> {
  const server = createServer().listen(0, host);
  const [outcome] = await Promise.race([
    once(server, 'listening').then(() => ['listening']),
    once(server, 'error').then(() => ['error']),
  ]);
  server.close();
  return outcome === 'listening';
}

/** Node 22.23 matches no certificate with an IPv6 address: it takes the address for a name first, which leaves nothing. */
const matchesIPv6 =
  // As much of a certificate as the function reads.
  checkServerIdentity('::1', { subjectaltname: 'IP Address:0:0:0:0:0:0:0:1' } as PeerCertificate) === undefined;

const hasIPv6 = matchesIPv6 && (await canListenOn('::1'));

test.each([
  { host: 'localhost', label: 'localhost', address: 'localhost', sni: 'localhost', skip: false },
  { host: 'an IPv4 address', label: '127.0.0.1', address: '127.0.0.1', sni: false, skip: false },
  { host: 'an IPv6 address', label: '[::1]', address: '::1', sni: false, skip: !hasIPv6 },
])('the server is told the name of $host: $sni (SNI, RFC 6066 §3)', async ({ label, address, sni, skip }) => {
  if (skip) return;
  const authority = await createAuthority();
  const names: unknown[] = [];
  const upstream = await startUpstream(
    authority,
    (connection) => {
      // Node's server has it in this field, which its types leave out.
      names.push((connection.socket as { servername?: unknown }).servername);
      onRequest(connection, () => connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    },
    {},
    { host: address, port: 0 },
  );
  onTestFinished(() => upstream.close());
  const { call } = await openPool(authority, `${label}:${upstream.port}`);

  const trace = await call();

  expect(trace.outcome).toBe('answered');
  expect(names).toEqual([sni]);
  expect(upstream.received).toContain(`Host: ${label}:${upstream.port}\r\n`);
  // An address is not looked up.
  expect(Object.keys(trace.phasesMs)).toEqual([
    ...(sni === false ? [] : ['dns']),
    'tcp',
    'tls',
    'send',
    'wait',
    'receive',
  ]);
});
