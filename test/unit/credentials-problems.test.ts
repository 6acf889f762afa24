import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, type KeyPair } from '../../scripts/pki.ts';
import type { Environment } from '../../src/config/environment.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { credentialSources } from '../../src/credentials/source.ts';
import { asOrdinaryUser } from '../support/ordinary-user.ts';
import { problemsOf } from '../support/problems.ts';
import { selfSigned } from '../support/self-signed.ts';

let directory: string;
let authority: Authority;
let pair: KeyPair;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credentials-'));
  authority = await createAuthority();
  pair = await authority.issue();
});

afterAll(() => rm(directory, { recursive: true }));

function base64(content: string | Buffer): string {
  return Buffer.from(content).toString('base64');
}

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

/** What is wrong with the good pair, given as text, after some variables have been set otherwise. */
function problemsWith(changes: Environment, now = new Date()): Promise<readonly string[]> {
  const env = { TOSS_PUBLIC_CRT: pair.certPem, TOSS_PRIVATE_KEY: pair.keyPem, ...changes };
  return problemsOf(env, () => loadCredentials(credentialSources(env), now));
}

describe('where a PEM comes from', () => {
  it('tells that certificate and key are missing', async () => {
    expect(await problemsOf({}, () => loadCredentials(credentialSources({}), new Date()))).toEqual([
      'TOSS_PUBLIC_CRT_B64: this is not set. Set it, or TOSS_PUBLIC_CRT or TOSS_PUBLIC_CRT_FILE.',
      'TOSS_PRIVATE_KEY_B64: this is not set. Set it, or TOSS_PRIVATE_KEY or TOSS_PRIVATE_KEY_FILE.',
    ]);
  });

  it.each(['TOSS_PUBLIC_CRT_B64', 'TOSS_PRIVATE_KEY_B64', 'UPSTREAM_CA_B64'])(
    'tells all that can be wrong in %s',
    async (variable) => {
      const der = new X509Certificate(pair.certPem).raw;
      const told = async (value: string) => (await problemsWith({ [variable]: value }))[0];
      expect(await told('certificate!')).toMatch(`${variable}: this is not Base64.`);
      expect(await told('LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t=LS0t')).toMatch(`${variable}: this is not Base64.`);
      expect(await told('   ')).toMatch(`${variable}: this is not Base64.`);
      expect(await told(pair.keyPem)).toMatch(`${variable}: this holds PEM text, but Base64 belongs here.`);
      expect(await told(base64(base64(pair.certPem)))).toMatch(`${variable}: this is Base64 of Base64.`);
      expect(await told('/etc/ssl/app.pem')).toMatch(`${variable}: this looks like a path.`);
      expect(await told(base64(der))).toMatch(`${variable}: this is DER or PKCS#12, but PEM is needed.`);
      expect(await told(base64('password'))).toMatch(`${variable}: this holds no PEM`);
    },
  );

  it.each(['TOSS_PUBLIC_CRT', 'TOSS_PRIVATE_KEY'])('tells all that can be wrong in %s', async (variable) => {
    const told = async (value: string) => (await problemsWith({ [variable]: value }))[0];
    expect(await told(base64(pair.certPem))).toMatch(`${variable}: this holds Base64, but PEM text belongs here.`);
    expect(await told('./app.pem')).toMatch(`${variable}: this looks like a path.`);
    expect(await told('hunter22')).toMatch(`${variable}: this holds no PEM`);
    expect(await told(pair.certPem.replaceAll('\n', ' '))).toMatch(`${variable}: the line breaks of this PEM are lost`);
    expect(await told(pair.certPem.split('-----END')[0] ?? '')).toMatch(`${variable}: this PEM breaks off`);
  });

  it.each(['TOSS_PUBLIC_CRT_FILE', 'TOSS_PRIVATE_KEY_FILE', 'UPSTREAM_CA_FILE'])(
    'tells all that can be wrong with %s',
    async (variable) => {
      const told = async (path: string) =>
        (await problemsWith({ [variable.replace('_FILE', '')]: undefined, [variable]: path }))[0];
      const there = await file('there.pem', pair.certPem);
      const circle = join(directory, `${variable}.circle`);
      await symlink(circle, circle);
      expect(await told(join(directory, 'gone.pem'))).toBe(
        `${variable}: the file that this names does not exist. Mend it.`,
      );
      expect(await told(join(there, 'below.pem'))).toMatch(
        `${variable}: the file that this names does not exist: a part`,
      );
      expect(await told(directory)).toBe(`${variable}: the file that this names is a directory. Mend it.`);
      expect(await told(circle)).toMatch(`${variable}: the file that this names cannot be read: its symbolic links`);
      expect(await told(await file('empty.pem', ''))).toMatch(`${variable}: the file that this names is empty.`);
      expect(await told(await file('encoded.txt', base64(pair.certPem)))).toMatch(
        `${variable}: the file that this names holds Base64.`,
      );
      expect(await told(await file('binary.der', new X509Certificate(pair.certPem).raw))).toMatch(
        `${variable}: this is DER or PKCS#12`,
      );
      expect(await told(await file('large.pem', Buffer.alloc(1_048_577, 'A')))).toBe(
        `${variable}: the file that this names is larger than 1 MiB. Mend it.`,
      );
      expect(await told('a\0b')).toMatch(
        `${variable}: the file that this names cannot be read (ERR_INVALID_ARG_VALUE).`,
      );
      await chmod(there, 0o000);
      expect(await asOrdinaryUser(() => told(there))).toMatch(
        `${variable}: the file that this names cannot be read: the service's user has no permission.`,
      );
      await chmod(there, 0o600);
    },
  );

  it('tells the problems of all three at once', async () => {
    expect(
      await problemsWith({
        TOSS_PUBLIC_CRT_B64: '?',
        TOSS_PRIVATE_KEY_FILE: '/none',
        TOSS_PRIVATE_KEY: '',
        UPSTREAM_CA_B64: '?',
      }),
    ).toEqual([
      expect.stringMatching(/^TOSS_PUBLIC_CRT_B64: this is not Base64/),
      expect.stringMatching(/^TOSS_PRIVATE_KEY_FILE: the file that this names does not exist/),
      expect.stringMatching(/^UPSTREAM_CA_B64: this is not Base64/),
    ]);
  });
});

describe('the private key', () => {
  const keyPem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const encrypted = (passphrase: string) =>
    createPrivateKey(pair.keyPem)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      .toString();

  it('must belong to the certificate', async () => {
    const other = await authority.issue();
    const env = { TOSS_PUBLIC_CRT_B64: base64(pair.certPem), TOSS_PRIVATE_KEY_B64: base64(other.keyPem) };
    expect(await problemsOf(env, () => loadCredentials(credentialSources(env), new Date()))).toEqual([
      'TOSS_PRIVATE_KEY_B64: this key does not belong to the certificate in TOSS_PUBLIC_CRT_B64. Put the key here that ' +
        'the certificate was requested with.',
    ]);
  });

  it('must belong to the certificate, also when the two are of different kinds', async () => {
    const { keyPem: rsaKey } = await authority.issue({ algorithm: 'rsa' });
    expect(await problemsWith({ TOSS_PRIVATE_KEY: rsaKey })).toEqual([
      expect.stringMatching(/^TOSS_PRIVATE_KEY: this key does not belong to the certificate in TOSS_PUBLIC_CRT\./),
    ]);
  });

  it('must not be swapped with the certificate', async () => {
    expect(await problemsWith({ TOSS_PUBLIC_CRT: pair.keyPem, TOSS_PRIVATE_KEY: pair.certPem })).toEqual([
      'TOSS_PUBLIC_CRT: this holds a private key, but a certificate belongs here. Put the certificate here.',
      'TOSS_PRIVATE_KEY: this holds a certificate, but the private key belongs here. Put the key here.',
    ]);
  });

  it('must be private', async () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const text = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(await problemsWith({ TOSS_PRIVATE_KEY: text })).toEqual([
      'TOSS_PRIVATE_KEY: this holds a public key, but the private key belongs here. Put the private key here.',
    ]);
  });

  it('must be a key at all', async () => {
    const text = '-----BEGIN X9.42 DH PARAMETERS-----\nAAAA\n-----END X9.42 DH PARAMETERS-----\n'.replaceAll(
      'X9.42 ',
      '',
    );
    expect(await problemsWith({ TOSS_PRIVATE_KEY: text })).toEqual([
      'TOSS_PRIVATE_KEY: this holds no private key. Put a PEM here that begins with "-----BEGIN PRIVATE KEY-----".',
    ]);
  });

  it('must be the only one', async () => {
    expect(await problemsWith({ TOSS_PRIVATE_KEY: pair.keyPem + pair.keyPem })).toEqual([
      'TOSS_PRIVATE_KEY: this holds several private keys. Leave only the right one.',
    ]);
  });

  it('must not be one for SSH', async () => {
    const text = pair.keyPem.replaceAll('PRIVATE KEY', 'OPENSSH PRIVATE KEY');
    expect(await problemsWith({ TOSS_PRIVATE_KEY: text })).toEqual([
      expect.stringMatching(/^TOSS_PRIVATE_KEY: this is a key for SSH\./),
    ]);
  });

  it('must be whole', async () => {
    const lines = pair.keyPem.split('\n');
    const text = [lines[0], ...lines.slice(2)].join('\n');
    expect(await problemsWith({ TOSS_PRIVATE_KEY: text })).toEqual([
      'TOSS_PRIVATE_KEY: this private key is damaged. Copy it again from its source.',
    ]);
  });

  it.each([
    ['X25519', () => generateKeyPairSync('x25519').privateKey],
    ['DSA', () => generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey],
  ])('must be of a kind that TLS can use: not %s', async (_, generate) => {
    expect(await problemsWith({ TOSS_PRIVATE_KEY: keyPem(generate()) })).toEqual([
      'TOSS_PRIVATE_KEY: TLS cannot use a key of this type. It takes RSA, EC, Ed25519 and Ed448 keys.',
    ]);
  });

  it('needs its passphrase, if it is encrypted', async () => {
    expect(await problemsWith({ TOSS_PRIVATE_KEY: encrypted('pass phrase') })).toEqual([
      'TOSS_PRIVATE_KEY: this key is encrypted. Set TOSS_PRIVATE_KEY_PASSPHRASE.',
    ]);
    const legacy = createPrivateKey(pair.keyPem).export({
      type: 'sec1',
      format: 'pem',
      cipher: 'aes-128-cbc',
      passphrase: 'x',
    });
    expect(await problemsWith({ TOSS_PRIVATE_KEY: legacy.toString() })).toEqual([
      'TOSS_PRIVATE_KEY: this key is encrypted. Set TOSS_PRIVATE_KEY_PASSPHRASE.',
    ]);
  });

  it('needs the right passphrase', async () => {
    expect(
      await problemsWith({ TOSS_PRIVATE_KEY: encrypted('right-one'), TOSS_PRIVATE_KEY_PASSPHRASE: 'wrong-one' }),
    ).toEqual([expect.stringMatching(/^TOSS_PRIVATE_KEY: this key does not open with TOSS_PRIVATE_KEY_PASSPHRASE\./)]);
  });

  it('must not be encrypted with a cipher of the last century', async () => {
    // PKCS#5 v1: EncryptedPrivateKeyInfo { pbeWithMD5AndDES-CBC, 8 bytes of salt, 2048 rounds }, 16 bytes of "key".
    const der = Buffer.from(
      `302f301b06092a864886f70d010503300e0408${'00'.repeat(8)}020208000410${'00'.repeat(16)}`,
      'hex',
    );
    const text = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${base64(der)}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
    expect(await problemsWith({ TOSS_PRIVATE_KEY: text, TOSS_PRIVATE_KEY_PASSPHRASE: 'pass phrase' })).toEqual([
      expect.stringMatching(/^TOSS_PRIVATE_KEY: this key is encrypted with a cipher that OpenSSL has given up\./),
    ]);
  });
});

describe('the certificate', () => {
  it('must not have expired', async () => {
    const { certPem, keyPem } = await authority.issue({ notAfter: new Date('2040-05-31T12:00:00Z') });
    const env = { TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem };
    const lastMoment = new Date('2040-05-31T12:00:00Z');
    await loadCredentials(credentialSources(env), lastMoment);
    expect(await problemsWith(env, new Date(lastMoment.getTime() + 1))).toEqual([
      'TOSS_PUBLIC_CRT: certificate 1 of 1 expired on 2040-05-31. Put a new one here.',
    ]);
  });

  it('must be valid already', async () => {
    const notBefore = new Date('2040-01-01T00:00:00Z');
    const { certPem, keyPem } = await authority.issue({ notBefore, notAfter: new Date('2041-01-01T00:00:00Z') });
    const env = { TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem };
    await loadCredentials(credentialSources(env), notBefore);
    expect(await problemsWith(env, new Date(notBefore.getTime() - 1))).toEqual([
      "TOSS_PUBLIC_CRT: certificate 1 of 1 is not valid before 2040-01-01. Wait, or set this machine's clock.",
    ]);
  });

  it('must be whole', async () => {
    const lines = pair.certPem.split('\n');
    const text = [lines[0], ...lines.slice(2)].join('\n');
    expect(await problemsWith({ TOSS_PUBLIC_CRT: pair.certPem + text })).toEqual([
      'TOSS_PUBLIC_CRT: certificate 2 of 2 is damaged. Copy it again from its source.',
    ]);
  });

  it('must not be the request for one', async () => {
    const text = pair.certPem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST');
    expect(await problemsWith({ TOSS_PUBLIC_CRT: text })).toEqual([
      'TOSS_PUBLIC_CRT: this holds a certificate request. Put the certificate here that was issued for it.',
    ]);
  });

  it('must be a certificate at all', async () => {
    const text = pair.certPem.replaceAll('CERTIFICATE', 'PKCS7');
    expect(await problemsWith({ TOSS_PUBLIC_CRT: text })).toEqual([
      'TOSS_PUBLIC_CRT: this holds no certificate. Put a PEM here that begins with "-----BEGIN CERTIFICATE-----".',
    ]);
  });

  it('must be strong enough for OpenSSL', async () => {
    const { certPem, keyPem } = await selfSigned({ rsaBits: 512 });
    expect(await problemsWith({ TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem })).toEqual([
      'TOSS_PUBLIC_CRT: a key or signature in this certificate is too weak for OpenSSL. Ask for a new certificate.',
    ]);
  });
});

describe('the chain', () => {
  const split = (certPem: string) => certPem.split(/(?<=-----END CERTIFICATE-----\n)/);

  it('must stand leaf first, each issued by the next', async () => {
    const upper = await authority.createIntermediate({ commonName: 'Upper' });
    const lower = await upper.createIntermediate({ commonName: 'Lower' });
    const { certPem, keyPem } = await lower.issue();
    const [leaf = '', first = '', second = ''] = split(certPem);
    for (const [order, proper] of [
      [[leaf, second, first], '1, 3, 2'],
      [[first, leaf, second], '2, 1, 3'],
      [[second, first, leaf], '3, 2, 1'],
    ] as const) {
      expect(await problemsWith({ TOSS_PUBLIC_CRT: order.join(''), TOSS_PRIVATE_KEY: keyPem })).toEqual([
        `TOSS_PUBLIC_CRT: the chain is out of order. Put its certificates in this order: ${proper}.`,
      ]);
    }
  });

  it('must hold nothing that does not belong to it', async () => {
    const stranger = await createAuthority();
    expect(await problemsWith({ TOSS_PUBLIC_CRT: pair.certPem + stranger.certPem })).toEqual([
      expect.stringMatching(/^TOSS_PUBLIC_CRT: certificate 2 of 2 did not issue certificate 1\./),
    ]);
    expect(await problemsWith({ TOSS_PUBLIC_CRT: pair.certPem + pair.certPem })).toEqual([
      expect.stringMatching(/^TOSS_PUBLIC_CRT: certificate 2 of 2 did not issue certificate 1\./),
    ]);
  });

  it('must hold the true issuer, not one of the same name', async () => {
    const [real, impostor] = await Promise.all([authority.createIntermediate(), authority.createIntermediate()]);
    const { certPem, keyPem } = await real.issue();
    const text = (split(certPem)[0] ?? '') + impostor.certPem;
    expect(await problemsWith({ TOSS_PUBLIC_CRT: text, TOSS_PRIVATE_KEY: keyPem })).toEqual([
      expect.stringMatching(/^TOSS_PUBLIC_CRT: certificate 2 of 2 did not issue certificate 1\./),
    ]);
  });

  it('must not have an expired intermediate', async () => {
    const intermediate = await authority.createIntermediate({
      notAfter: new Date('2026-01-01T00:00:00Z'),
      notBefore: new Date('2025-01-01T00:00:00Z'),
    });
    const { certPem, keyPem } = await intermediate.issue();
    expect(await problemsWith({ TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem })).toEqual([
      'TOSS_PUBLIC_CRT: certificate 2 of 2 expired on 2026-01-01. Put a new one here.',
    ]);
  });

  it('tells its own problems and those of the key at once', async () => {
    const { certPem } = await authority.issue({
      notAfter: new Date('2026-01-01T00:00:00Z'),
      notBefore: new Date('2025-01-01T00:00:00Z'),
    });
    expect(await problemsWith({ TOSS_PUBLIC_CRT: certPem })).toEqual([
      'TOSS_PUBLIC_CRT: certificate 1 of 1 expired on 2026-01-01. Put a new one here.',
      expect.stringMatching(/^TOSS_PRIVATE_KEY: this key does not belong to the certificate in TOSS_PUBLIC_CRT\./),
    ]);
  });
});

describe('the CA of the provider', () => {
  it('must hold certificates that can be parsed, which OpenSSL would pass over in silence', async () => {
    const text = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    expect(await problemsWith({ UPSTREAM_CA_B64: base64(authority.certPem + text) })).toEqual([
      'UPSTREAM_CA_B64: certificate 2 of 2 is damaged. Copy it again from its source.',
    ]);
  });

  it('must hold a certificate', async () => {
    expect(await problemsWith({ UPSTREAM_CA_B64: base64(pair.keyPem) })).toEqual([
      'UPSTREAM_CA_B64: this holds a private key, but a certificate belongs here. Put the certificate here.',
    ]);
  });

  it('must have one at least that is valid now', async () => {
    const old = await createAuthority({
      notBefore: new Date('2010-01-01T00:00:00Z'),
      notAfter: new Date('2020-01-01T00:00:00Z'),
    });
    const coming = await createAuthority({
      notBefore: new Date('2110-01-01T00:00:00Z'),
      notAfter: new Date('2120-01-01T00:00:00Z'),
    });
    expect(await problemsWith({ UPSTREAM_CA_FILE: await file('ca.pem', old.certPem + coming.certPem) })).toEqual([
      'UPSTREAM_CA_FILE: CA certificate 1 of 2 expired on 2020-01-01. Put a new one here.',
      "UPSTREAM_CA_FILE: CA certificate 2 of 2 is not valid before 2110-01-01. Wait, or set this machine's clock.",
    ]);
  });
});
