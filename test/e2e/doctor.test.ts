import { describe, expect, test } from 'vitest';
import type { Authority, KeyPair } from '../../scripts/pki.ts';
import { runDoctor } from '../support/doctor.ts';
import { startHaproxy } from './support/haproxy.ts';
import { startNginx } from './support/nginx.ts';
import { startOpenssl } from './support/openssl.ts';
import { createOldAuthority, FAULTS, refusedClient } from './support/refused-client.ts';

const authority = await createOldAuthority();

/** What the doctor says of this client certificate, from the line about the server's on, and its exit code. */
async function diagnose(
  port: number,
  { certPem, keyPem }: KeyPair,
  clockBehindDays = 0,
  trusted: Authority = authority,
) {
  const env = {
    TOSS_PUBLIC_CRT: certPem,
    TOSS_PRIVATE_KEY: keyPem,
    UPSTREAM_CA_B64: Buffer.from(trusted.certPem).toString('base64'),
    UPSTREAM_HOSTS: `localhost:${port}`,
  };
  // With JavaScript's clock set back, an expired certificate passes here, and the server judges it.
  const preload = `
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...when) { when.length === 0 ? super(Date.now()) : super(...when); }
      static now() { return Real.now() - ${clockBehindDays * 86_400_000}; }
    };`;
  const { code, section } = await runDoctor(env, { preload });
  return { code, lines: section(`localhost:${port}`).map((line) => line.replace(/\d+ ms$/, 'N ms')) };
}

const ACCEPTED = /^✓ our certificate accepted: HEAD \/ was answered with HTTP \d+ in N ms$/;

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('nginx, %s', (tls) => {
  test('accepts a good certificate', async () => {
    const nginx = await startNginx({ authority, tls, location: 'return 404;' });
    const { code, lines } = await diagnose(nginx.port, await authority.issue());
    expect(lines.slice(2)).toEqual([
      expect.stringMatching(new RegExp(`^✓ TLS ${tls}, TLS_\\w+, in N ms$`)),
      '✓ server certificate CN=localhost, issued by CN=Throw-away Root CA, 389 days left',
      '✓ our certificate accepted: HEAD / was answered with HTTP 404 in N ms',
      "✓ clock within 30 s of the server's",
    ]);
    expect(code).toBe(0);
  });

  test.each(FAULTS)('refuses a bad one with its 400 (%s), which is told from others', async (fault) => {
    const nginx = await startNginx({ authority, tls, location: 'return 200;' });
    const { client, clockBehindDays } = await refusedClient(authority, fault);
    const { code, lines } = await diagnose(nginx.port, client, clockBehindDays);
    expect(lines.slice(4)).toEqual([
      '✗ our certificate refused with HTTP 400. Is it expired, revoked, or for another environment?',
      '– clock an earlier step has failed',
    ]);
    expect(code).toBe(1);
  });
});

test('a 400 of nginx for another reason is no refusal', async () => {
  const nginx = await startNginx({ authority, location: 'return 400 "path unknown";' });
  const { code, lines } = await diagnose(nginx.port, await authority.issue());
  expect(lines[4]).toMatch(ACCEPTED);
  expect(code).toBe(0);
});

const REASONS = {
  'unknown CA': 'it does not know the CA that issued it. Is it for this environment?',
  expired: 'it finds it expired. Renew it, or check the clocks.',
};

describe.each(Object.entries({ 'openssl s_server': startOpenssl, HAProxy: startHaproxy }))('%s', (_, startServer) => {
  test.each((['TLSv1.2', 'TLSv1.3'] as const).flatMap((tls) => FAULTS.map((fault) => [tls, fault] as const)))(
    'refuses a bad one with an alert, under %s: %s',
    async (tls, fault) => {
      const server = await startServer({ authority, tls, files: {}, mode: 'HTTP' });
      const { client, clockBehindDays } = await refusedClient(authority, fault);
      const { code, lines } = await diagnose(server.port, client, clockBehindDays);
      expect(lines[4]).toBe(`✗ our certificate refused: ${REASONS[fault]}`);
      expect(code).toBe(1);
    },
  );
});

test('HAProxy accepts a good certificate', async () => {
  const server = await startHaproxy({ authority, tls: 'TLSv1.3' });
  const { code, lines } = await diagnose(server.port, await authority.issue());
  expect(lines[4]).toMatch(ACCEPTED);
  expect(code).toBe(0);
});
