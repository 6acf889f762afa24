/**
 * Certificates for tests, the sandbox and the demo: made on the spot, thrown away afterwards, never written into the
 * repository. They carry what OpenSSL, Node, nginx and Java ask for (RFC 5280 §4.2.1).
 */
import { KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import './reflect-metadata.ts';
import * as x509 from '@peculiar/x509';

export interface KeyPair {
  /** The certificate, and after it the intermediates that lead to the root, the root left out. */
  readonly certPem: string;
  /** PKCS#8, not encrypted. */
  readonly keyPem: string;
}

/** `ec` is P-256 and takes a millisecond to make; `rsa` has 2048 bits, as Toss's do, and takes a tenth of a second. */
export type KeyAlgorithm = 'ec' | 'rsa';

interface Validity {
  /** Default: an hour ago for a leaf, a day ago for a CA. */
  readonly notBefore?: Date;
  /** Default: in 390 days for a leaf, as Toss does it; in ten years for a CA. */
  readonly notAfter?: Date;
}

interface IssueOptions extends Validity {
  readonly commonName?: string;
  /** DNS names and IP addresses for subjectAltName. Default: this machine's loopback for a server, none for a client. */
  readonly names?: readonly string[];
  /** Default: `client`. */
  readonly usage?: 'server' | 'client';
  readonly algorithm?: KeyAlgorithm;
}

interface AuthorityOptions extends Validity {
  readonly commonName?: string;
  readonly algorithm?: KeyAlgorithm;
}

export interface Authority {
  /** This CA's own certificate. */
  readonly certPem: string;
  /** A leaf with a new key. */
  issue(options?: IssueOptions): Promise<KeyPair>;
  /** A CA below this one, with a key of the same algorithm. */
  createIntermediate(options?: Omit<AuthorityOptions, 'algorithm'>): Promise<Authority>;
}

interface Signer {
  readonly name: x509.JsonName;
  readonly keys: webcrypto.CryptoKeyPair;
}

const DAY_MS = 86_400_000;
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'];
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};
const EC = { name: 'ECDSA', namedCurve: 'P-256' };

/** A root CA with a new key. */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const { commonName = 'Throw-away Root CA', algorithm = 'ec' } = options;
  const self = { name: distinguishedName(commonName), keys: await generateKeys(algorithm) };
  return authority(self, algorithm, await certifyAuthority(self, self, options), []);
}

/** @param chain the certificates between this CA's leaves and the root, this CA's own first; empty for the root */
function authority(signer: Signer, algorithm: KeyAlgorithm, certPem: string, chain: readonly string[]): Authority {
  return {
    certPem,

    async issue(options = {}) {
      const { usage = 'client', names = usage === 'server' ? LOOPBACK_NAMES : [] } = options;
      const subject = {
        name: distinguishedName(options.commonName ?? names[0] ?? usage),
        keys: await generateKeys(options.algorithm ?? 'ec'),
      };
      const leaf = await certify(subject, signer, {
        ...validity(options, DAY_MS / 24, 390 * DAY_MS),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          // An RSA key is also used for encipherment by the TLS 1.2 suites without key agreement (RFC 5246 §7.4.2).
          new x509.KeyUsagesExtension(
            x509.KeyUsageFlags.digitalSignature |
              (options.algorithm === 'rsa' ? x509.KeyUsageFlags.keyEncipherment : 0),
            true,
          ),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[usage === 'server' ? 'serverAuth' : 'clientAuth']]),
          ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names.map(generalName))] : []),
        ],
      });
      return { certPem: [leaf, ...chain].join(''), keyPem: privateKeyPem(subject.keys) };
    },

    async createIntermediate(options = {}) {
      const name = distinguishedName(options.commonName ?? 'Throw-away Intermediate CA');
      const subject = { name, keys: await generateKeys(algorithm) };
      const subjectPem = await certifyAuthority(subject, signer, options);
      return authority(subject, algorithm, subjectPem, [subjectPem, ...chain]);
    },
  };
}

function certifyAuthority(subject: Signer, issuer: Signer, options: Validity): Promise<string> {
  return certify(subject, issuer, {
    ...validity(options, DAY_MS, 3650 * DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
}

/** The serial number is left to x509: 128 random bits, positive. */
async function certify(
  subject: Signer,
  issuer: Signer,
  content: Required<Validity> & { readonly extensions: readonly x509.Extension[] },
): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: subject.name,
      issuer: issuer.name,
      publicKey: subject.keys.publicKey,
      signingKey: issuer.keys.privateKey,
      notBefore: content.notBefore,
      notAfter: content.notAfter,
      extensions: [
        ...content.extensions,
        await x509.SubjectKeyIdentifierExtension.create(subject.keys.publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return `${certificate.toString('pem').trimEnd()}\n`;
}

function generateKeys(algorithm: KeyAlgorithm): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm === 'rsa' ? RSA : EC, true, ['sign', 'verify']);
}

function privateKeyPem(keys: webcrypto.CryptoKeyPair): string {
  return KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function distinguishedName(commonName: string): x509.JsonName {
  return [{ CN: [commonName] }];
}

function generalName(name: string): { type: 'ip' | 'dns'; value: string } {
  return { type: isIP(name) ? 'ip' : 'dns', value: name };
}

function validity(asked: Validity, pastMs: number, futureMs: number): Required<Validity> {
  const now = Date.now();
  return {
    notBefore: asked.notBefore ?? new Date(now - pastMs),
    notAfter: asked.notAfter ?? new Date(now + futureMs),
  };
}
