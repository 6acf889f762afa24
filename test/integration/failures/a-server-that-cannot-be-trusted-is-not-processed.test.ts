import { expect, test } from 'vitest';
import { type Authority, createAuthority, type KeyPair } from '../../../scripts/pki.ts';
import { expectFailure, setScene } from '../../support/scene.ts';
import { selfSigned } from '../../support/self-signed.ts';
import { startUpstream } from '../../support/upstream.ts';

const DAY_MS = 86_400_000;

type Issue = (authority: Authority) => Promise<KeyPair>;

const issueOfAnotherAuthority: Issue = async () => (await createAuthority()).issue({ usage: 'server' });

const CERTIFICATES: readonly (readonly [string, string, Issue])[] = [
  ['of an authority that we do not know', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', issueOfAnotherAuthority],
  ['that signs itself', 'DEPTH_ZERO_SELF_SIGNED_CERT', () => selfSigned()],
  [
    'for another name',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    (authority) => authority.issue({ usage: 'server', names: ['pay.example'] }),
  ],
  [
    'that has expired',
    'CERT_HAS_EXPIRED',
    (authority) => authority.issue({ usage: 'server', notAfter: new Date(Date.now() - DAY_MS / 48) }),
  ],
  [
    'that is not valid yet',
    'CERT_NOT_YET_VALID',
    (authority) => authority.issue({ usage: 'server', notBefore: new Date(Date.now() + DAY_MS) }),
  ],
  [
    'for clients only',
    'INVALID_PURPOSE',
    (authority) => authority.issue({ usage: 'client', names: ['localhost', '127.0.0.1', '::1'] }),
  ],
];

const CASES = CERTIFICATES.flatMap(([what, cause, issue]) =>
  (['TLSv1.2', 'TLSv1.3'] as const).map((version) => ({ what, version, cause, issue })),
);

test.each(CASES)('a server with a certificate $what is not processed ($version)', async ({ version, cause, issue }) => {
  const scene = await setScene(async (authority) => {
    const { certPem, keyPem } = await issue(authority);
    const options = { cert: certPem, key: keyPem, minVersion: version, maxVersion: version };
    return startUpstream(authority, () => undefined, options);
  });

  const call = await scene.call();

  expectFailure(call, {
    status: 502,
    code: 'upstream_certificate_invalid',
    outcome: 'not_processed',
    phases: ['dns', 'tcp', 'tls'],
  });
  expect(call.line.cause).toBe(cause);
  expect(scene.upstream.received).toBe('');
});
