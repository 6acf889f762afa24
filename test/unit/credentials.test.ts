import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, type KeyPair } from '../../scripts/pki.ts';
import type { Environment } from '../../src/config/environment.ts';
import { type LoadedCredentials, loadCredentials } from '../../src/credentials/credentials.ts';
import { credentialSources } from '../../src/credentials/source.ts';
import { selfSigned } from '../support/self-signed.ts';

const PASSPHRASE = 'correct horse # battery';

let directory: string;
let authority: Authority;
let pair: KeyPair;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credentials-'));
  authority = await createAuthority({ commonName: 'Test Root' });
  pair = await authority.issue({ commonName: 'my-mini-app' });
});

afterAll(() => rm(directory, { recursive: true }));

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function load(env: Environment, now = new Date()): Promise<LoadedCredentials> {
  return loadCredentials(credentialSources(env), now);
}

/** The pair as its Base64, with some variables set otherwise. */
function environment(changes: Environment = {}): Environment {
  return { TOSS_PUBLIC_CRT_B64: base64(pair.certPem), TOSS_PRIVATE_KEY_B64: base64(pair.keyPem), ...changes };
}

async function file(name: string, content: string | Buffer, mode = 0o600): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

describe('loadCredentials', () => {
  it('tells whose certificate it is, and how long it holds', async () => {
    const { credentials, warnings } = await load(environment());
    const certificate = new X509Certificate(pair.certPem);
    expect(credentials).toMatchObject({
      subject: 'CN=my-mini-app',
      issuer: 'CN=Test Root',
      notBefore: new Date(certificate.validFrom),
      notAfter: new Date(certificate.validTo),
      fingerprint: certificate.fingerprint256,
    });
    expect(warnings).toEqual([]);
  });

  it('gives the end of an intermediate that ends before the certificate', async () => {
    const notAfter = new Date('2100-01-01T00:00:00Z');
    const intermediate = await authority.createIntermediate({ notAfter });
    const { certPem, keyPem } = await intermediate.issue({ notAfter: new Date('2110-01-01T00:00:00Z') });
    const { credentials } = await load({ TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem });
    expect(credentials.notAfter).toEqual(notAfter);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'makes a context that sends the whole chain and trusts the given CA, in %s',
    async (version) => {
      const intermediate = await authority.createIntermediate();
      const client = await intermediate.issue();
      const { credentials } = await load({
        TOSS_PUBLIC_CRT_B64: base64(client.certPem),
        TOSS_PRIVATE_KEY_B64: base64(client.keyPem),
        UPSTREAM_CA_B64: base64(authority.certPem),
      });
      const { certPem, keyPem } = await authority.issue({ usage: 'server' });
      const server = createServer({
        cert: certPem,
        key: keyPem,
        ca: authority.certPem,
        requestCert: true,
        maxVersion: version,
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      const accepted = once(server, 'secureConnection');
      const socket = connect({
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        secureContext: credentials.secureContext,
      });
      const [[peer]] = await Promise.all([accepted, once(socket, 'secureConnect')]);
      expect(peer).toMatchObject({ authorized: true });
      expect(socket).toMatchObject({ authorized: true });
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
      server.close();
      await once(server, 'close');
    },
  );

  it('keeps the key out of sight when it is printed', async () => {
    const { credentials } = await load(environment({ TOSS_PRIVATE_KEY_PASSPHRASE: PASSPHRASE }));
    const shown = inspect(credentials, { depth: null, showHidden: true });
    expect(shown).not.toContain(pair.keyPem.split('\n')[1]);
    expect(shown).not.toContain(PASSPHRASE);
    const sources = inspect(credentialSources(environment()), { depth: null, showHidden: true });
    expect(sources).not.toContain(base64(pair.keyPem));
  });
});

describe('a certificate and a key are taken', () => {
  it.each([
    ['in one line of Base64', (pem: string) => ['B64', base64(pem)]],
    ['in Base64 with line breaks', (pem: string) => ['B64', base64(pem).replaceAll(/(.{76})/g, '$1\r\n')]],
    ['in Base64 without padding, in quotes', (pem: string) => ['B64', `"${base64(pem).replace(/=+$/, '')}"`]],
    ['as text with \\n', (pem: string) => ['', pem.replaceAll('\n', '\\n')]],
    ['as text with \\r\\n', (pem: string) => ['', pem.replaceAll('\n', '\\r\\n')]],
    ['as text with real line breaks', (pem: string) => ['', pem]],
    ['as text with CRLF', (pem: string) => ['', pem.replaceAll('\n', '\r\n')]],
    ['as text in quotes', (pem: string) => ['', `'${pem.replaceAll('\n', '\\n')}'`]],
    ['as text that a YAML file has indented', (pem: string) => ['', `\n${pem.replaceAll(/^/gm, '    ')}`]],
  ])('%s', async (_, form) => {
    const env = Object.fromEntries(
      [
        ['TOSS_PUBLIC_CRT', pair.certPem],
        ['TOSS_PRIVATE_KEY', pair.keyPem],
      ].map(([name = '', pem = '']) => {
        const [ending, value] = form(pem);
        return [ending ? `${name}_${ending}` : name, value];
      }),
    );
    expect((await load(env)).credentials.subject).toBe('CN=my-mini-app');
  });

  it('from files, byte order mark and commentary included', async () => {
    const { credentials, warnings } = await load({
      TOSS_PUBLIC_CRT_FILE: await file('app.crt', `0 s:CN = my-mini-app\n${pair.certPem}`, 0o644),
      TOSS_PRIVATE_KEY_FILE: await file('app.key', `\uFEFF${pair.keyPem}`),
    });
    expect(credentials.subject).toBe('CN=my-mini-app');
    expect(warnings).toEqual([]);
  });

  it('from one file that holds both, as "openssl pkcs12 -nodes" writes it', async () => {
    const path = await file('both.pem', pair.keyPem + pair.certPem);
    const { credentials } = await load({ TOSS_PUBLIC_CRT_FILE: path, TOSS_PRIVATE_KEY_FILE: path });
    expect(credentials.subject).toBe('CN=my-mini-app');
  });

  it('with a chain that goes up to the root', async () => {
    const upper = await authority.createIntermediate({ commonName: 'Upper' });
    const lower = await upper.createIntermediate({ commonName: 'Lower' });
    const { certPem, keyPem } = await lower.issue();
    const env = { TOSS_PUBLIC_CRT: certPem + authority.certPem, TOSS_PRIVATE_KEY: keyPem };
    expect((await load(env)).credentials.issuer).toBe('CN=Lower');
  });

  it('when the certificate has signed itself', async () => {
    const { certPem, keyPem } = await selfSigned();
    const { credentials, warnings } = await load({ TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem });
    expect(credentials.subject).toBe('CN=self');
    expect(warnings).toEqual([]);
  });
});

describe('a private key is taken', () => {
  const passphrase = PASSPHRASE;
  const cipher = 'aes-256-cbc';

  it.each([
    ['PKCS#8', 'rsa', { type: 'pkcs8' }],
    ['PKCS#1', 'rsa', { type: 'pkcs1' }],
    ['PKCS#8 of EC', 'ec', { type: 'pkcs8' }],
    ['SEC 1', 'ec', { type: 'sec1' }],
    ['encrypted PKCS#8', 'rsa', { type: 'pkcs8', cipher, passphrase }],
    ['encrypted PKCS#1', 'rsa', { type: 'pkcs1', cipher, passphrase }],
    ['encrypted SEC 1', 'ec', { type: 'sec1', cipher, passphrase }],
  ] as const)('in %s', async (_, algorithm, format) => {
    const { certPem, keyPem } = await authority.issue({ algorithm });
    const text = createPrivateKey(keyPem)
      .export({ format: 'pem', ...format })
      .toString();
    const env = { TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: text, TOSS_PRIVATE_KEY_PASSPHRASE: passphrase };
    expect((await load(env)).credentials.subject).toBe('CN=client');
  });

  it('behind the EC parameters that "openssl ecparam -genkey" writes', async () => {
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    const env = environment({ TOSS_PRIVATE_KEY_B64: base64(parameters + pair.keyPem) });
    expect((await load(env)).credentials.subject).toBe('CN=my-mini-app');
  });
});

describe('of several variables for the same thing', () => {
  it('Base64 wins over text, and text over a file; a warning names those that are not read', async () => {
    const { warnings } = await load({
      ...environment(),
      TOSS_PUBLIC_CRT: 'not read',
      TOSS_PUBLIC_CRT_FILE: '/not/read',
      TOSS_PRIVATE_KEY_B64: '',
      TOSS_PRIVATE_KEY: pair.keyPem,
      TOSS_PRIVATE_KEY_FILE: '/not/read',
      UPSTREAM_CA_B64: base64(authority.certPem),
      UPSTREAM_CA_FILE: '/not/read',
    });
    expect(warnings).toEqual([
      'TOSS_PUBLIC_CRT: not read, since TOSS_PUBLIC_CRT_B64 is set too. Remove one of them.',
      'TOSS_PUBLIC_CRT_FILE: not read, since TOSS_PUBLIC_CRT_B64 is set too. Remove one of them.',
      'TOSS_PRIVATE_KEY_FILE: not read, since TOSS_PRIVATE_KEY is set too. Remove one of them.',
      'UPSTREAM_CA_FILE: not read, since UPSTREAM_CA_B64 is set too. Remove one of them.',
    ]);
  });
});

describe('a warning tells', () => {
  it.each([0o640, 0o604])('of a key file with mode %o, which others can read', async (mode) => {
    const env = environment({
      TOSS_PRIVATE_KEY_B64: undefined,
      TOSS_PRIVATE_KEY_FILE: await file('open.key', pair.keyPem, mode),
    });
    expect((await load(env)).warnings).toEqual([
      'TOSS_PRIVATE_KEY_FILE: other users can read the private key in this file. Run "chmod 600" on it.',
    ]);
  });

  it('of a certificate that is meant for servers only', async () => {
    const { certPem, keyPem } = await authority.issue({ usage: 'server' });
    expect((await load({ TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem })).warnings).toEqual([
      'TOSS_PUBLIC_CRT: this certificate is not meant for clients (extended key usage). The payment API may refuse it.',
    ]);
  });

  it('of a CA certificate that has expired among others that have not', async () => {
    const old = await createAuthority({
      notAfter: new Date('2020-02-29T00:00:00Z'),
      notBefore: new Date('2010-01-01'),
    });
    const env = environment({ UPSTREAM_CA_B64: base64(authority.certPem + old.certPem) });
    expect((await load(env)).warnings).toEqual([
      'UPSTREAM_CA_B64: CA certificate 2 of 2 expired on 2020-02-29. Put a new one here.',
    ]);
  });
});
