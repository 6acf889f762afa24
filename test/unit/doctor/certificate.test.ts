import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAuthority, type KeyPair } from '../../../scripts/pki.ts';
import type { Environment } from '../../../src/config/environment.ts';
import { checkCertificate } from '../../../src/doctor/certificate.ts';
import { asText } from '../../../src/doctor/report.ts';
import { linesOf } from '../../support/doctor.ts';
import { selfSigned } from '../../support/self-signed.ts';

const NOW = new Date('2040-01-01T12:00:00Z');
const at = (text: string) => new Date(`${text}T12:00:00Z`);
const LONG = { notBefore: at('2030-01-01'), notAfter: at('2050-01-01') };

const authority = await createAuthority(LONG);
const pair = await authority.issue({ commonName: 'my-mini-app', ...LONG });

function asSettings({ certPem, keyPem }: KeyPair): Environment {
  return { TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem };
}

/** What is said of the good pair after some variables have been set otherwise. */
async function said(env: Environment): Promise<readonly string[]> {
  const { checks, credentials } = await checkCertificate({ ...asSettings(pair), ...env }, NOW);
  expect(credentials === undefined).toBe(checks.some(({ state }) => state === 'failed'));
  return linesOf(asText([{ name: 'Certificate', checks }]), 'Certificate');
}

describe("the doctor's lines about the certificate", () => {
  test('a good pair, with the roots of Node', async () => {
    expect(await said({})).toEqual([
      expect.stringMatching(
        /^✓ certificate TOSS_PUBLIC_CRT: CN=my-mini-app, issued by CN=Throw-away Root CA, SHA-256 [0-9A-F:]{95}$/,
      ),
      '✓ private key TOSS_PRIVATE_KEY: EC, prime256v1',
      '✓ pair the private key belongs to the certificate',
      '✓ dates valid until 2050-01-01, 3653 days left',
      '✓ chain 1 certificate',
      "✓ CA Node's own root certificates",
    ]);
  });

  test('an RSA pair behind an intermediate that ends before it', async () => {
    const intermediate = await authority.createIntermediate({
      commonName: 'Middle',
      ...LONG,
      notAfter: at('2045-01-01'),
    });
    const issued = await intermediate.issue({ commonName: 'rsa-app', algorithm: 'rsa', ...LONG });
    expect(await said(asSettings(issued))).toEqual([
      expect.stringMatching(/^✓ certificate TOSS_PUBLIC_CRT: CN=rsa-app, issued by CN=Middle, SHA-256 [0-9A-F:]{95}$/),
      '✓ private key TOSS_PRIVATE_KEY: RSA, 2048 bits',
      '✓ pair the private key belongs to the certificate',
      '✓ dates valid until 2045-01-01, 1827 days left',
      '✓ chain 2 certificates, each issued by the next',
      "✓ CA Node's own root certificates",
    ]);
  });

  test('neither certificate nor key', async () => {
    expect(await said({ TOSS_PUBLIC_CRT: '', TOSS_PRIVATE_KEY: '' })).toEqual([
      '✗ certificate TOSS_PUBLIC_CRT_B64: this is not set. Set it, or TOSS_PUBLIC_CRT or TOSS_PUBLIC_CRT_FILE.',
      '✗ private key TOSS_PRIVATE_KEY_B64: this is not set. Set it, or TOSS_PRIVATE_KEY or TOSS_PRIVATE_KEY_FILE.',
      '– pair it takes a certificate and a private key',
      '– dates it takes a certificate',
      '– chain it takes a certificate',
      "✓ CA Node's own root certificates",
    ]);
  });

  test('files that do not exist, or that others can read', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'doctor-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const keyFile = join(directory, 'app.pem');
    await writeFile(keyFile, pair.keyPem);
    await chmod(keyFile, 0o644);
    const lines = await said({
      TOSS_PUBLIC_CRT: '',
      TOSS_PUBLIC_CRT_FILE: join(directory, 'app.crt'),
      TOSS_PRIVATE_KEY: '',
      TOSS_PRIVATE_KEY_FILE: keyFile,
    });
    expect(lines.slice(0, 3)).toEqual([
      '✗ certificate TOSS_PUBLIC_CRT_FILE: the file that this names does not exist. Mend it.',
      '✓ private key TOSS_PRIVATE_KEY_FILE: EC, prime256v1',
      '! private key TOSS_PRIVATE_KEY_FILE: other users can read the private key in this file. Run "chmod 600" on it.',
    ]);
  });

  test('a source that is not read since another wins', async () => {
    expect((await said({ TOSS_PUBLIC_CRT_FILE: './old.crt' }))[0]).toBe(
      '! files TOSS_PUBLIC_CRT_FILE: not read, since TOSS_PUBLIC_CRT is set too. Remove one of them.',
    );
  });

  test('an encrypted key', async () => {
    const passphrase = 'correct horse battery staple';
    const encrypted = createPrivateKey(pair.keyPem)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      .toString();
    expect((await said({ TOSS_PRIVATE_KEY: encrypted })).slice(1, 3)).toEqual([
      '✗ private key TOSS_PRIVATE_KEY: this key is encrypted. Set TOSS_PRIVATE_KEY_PASSPHRASE.',
      '– pair it takes a certificate and a private key',
    ]);
    expect(await said({ TOSS_PRIVATE_KEY: encrypted, TOSS_PRIVATE_KEY_PASSPHRASE: passphrase })).toContain(
      '✓ pair the private key belongs to the certificate',
    );
  });

  test('a key of another certificate', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const lines = await said({ TOSS_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() });
    expect(lines.slice(1, 3)).toEqual([
      '✓ private key TOSS_PRIVATE_KEY: ED25519',
      '✗ pair TOSS_PRIVATE_KEY: this key does not belong to the certificate in TOSS_PUBLIC_CRT. Put the key here that ' +
        'the certificate was requested with.',
    ]);
  });

  test('a pair that OpenSSL finds too weak', async () => {
    const { checks } = await checkCertificate(asSettings(await selfSigned({ rsaBits: 512 })), new Date());
    expect(linesOf(asText([{ name: 'Certificate', checks }]), 'Certificate').at(-1)).toBe(
      '✗ pair TOSS_PUBLIC_CRT: a key or signature in this certificate is too weak for OpenSSL. Ask for a new certificate.',
    );
  });

  test.each([
    [
      '2039-01-01',
      '2039-12-31',
      '✗ dates TOSS_PUBLIC_CRT: certificate 1 of 1 expired on 2039-12-31. Put a new one here.',
    ],
    [
      '2040-01-02',
      '2041-01-01',
      "✗ dates TOSS_PUBLIC_CRT: certificate 1 of 1 is not valid before 2040-01-02. Wait, or set this machine's clock.",
    ],
    ['2039-01-01', '2040-01-30', '! dates valid until 2040-01-30, 29 days left. Renew the certificate.'],
    ['2039-01-01', '2040-02-01', '✓ dates valid until 2040-02-01, 31 days left'],
  ])('a certificate that holds from %s to %s', async (begin, end, line) => {
    const issued = await authority.issue({ notBefore: at(begin), notAfter: at(end) });
    expect((await said(asSettings(issued)))[3]).toBe(line);
  });

  test('a chain that is out of order', async () => {
    const { certPem, keyPem } = await (await authority.createIntermediate(LONG)).issue(LONG);
    const [leaf = '', above = ''] = certPem.split(/(?<=-----END CERTIFICATE-----\n)/);
    expect((await said({ TOSS_PUBLIC_CRT: above + leaf, TOSS_PRIVATE_KEY: keyPem }))[4]).toBe(
      '✗ chain TOSS_PUBLIC_CRT: the chain is out of order. Put its certificates in this order: 2, 1.',
    );
  });

  test('a CA that holds none', async () => {
    expect((await said({ UPSTREAM_CA_B64: '?' })).at(-1)).toBe(
      '✗ CA UPSTREAM_CA_B64: this is not Base64. Write what "base64 -w0 FILE" prints, without anything around it.',
    );
  });

  test('a CA of which a part has ended', async () => {
    const old = await createAuthority({ notBefore: at('2020-01-01'), notAfter: at('2030-01-01') });
    const bundle = Buffer.from(authority.certPem + old.certPem).toString('base64');
    expect((await said({ UPSTREAM_CA_B64: bundle })).slice(-2)).toEqual([
      "✓ CA UPSTREAM_CA_B64: 2 certificates to trust instead of Node's own",
      '! CA UPSTREAM_CA_B64: CA certificate 2 of 2 expired on 2030-01-01. Put a new one here.',
    ]);
  });
});
