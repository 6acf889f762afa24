import type { KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { ConfigError } from '../config/config-error.ts';
import { judgeAnchors, judgeChain, validityOf } from './certificates.ts';
import type { Judgement } from './judgement.ts';
import { judgePrivateKey } from './private-key.ts';
import { type CredentialSources, type PemSource, readPem } from './source.ts';

/** Our client certificate with its key, and whom we trust, ready for handshakes. A value: it never changes. */
export interface Credentials {
  /** Made once: it holds certificate, key and trust anchors. */
  readonly secureContext: SecureContext;
  /** Whom the certificate names, on one line: `CN=my-mini-app, O=My Company`. */
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: Date;
  /** The end of the certificate, or of an intermediate that ends sooner. */
  readonly notAfter: Date;
  /** SHA-256, in hexadecimal with colons. */
  readonly fingerprint: string;
}

export interface LoadedCredentials {
  readonly credentials: Credentials;
  /** For the log, one line each. */
  readonly warnings: readonly string[];
}

/** What a source came to; its problems and warnings name the variable. */
interface Part<T> {
  readonly variable: string;
  readonly value?: T;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Reads, parses and judges certificate, key and CA, all of them or nothing: at start, and again at each reload.
 *
 * @param now the time at which the certificates must be valid
 * @throws ConfigError with every problem at once, each naming its variable and the remedy, never a value
 */
export async function loadCredentials(sources: CredentialSources, now: Date): Promise<LoadedCredentials> {
  const [chain, key, anchors] = await Promise.all([
    load(sources.certificate, 'TOSS_PUBLIC_CRT_B64', (pem) => judgeChain(pem, now)),
    load(sources.privateKey, 'TOSS_PRIVATE_KEY_B64', (pem) => judgePrivateKey(pem, sources.passphrase)),
    sources.ca && load(sources.ca, sources.ca.variable, (pem) => judgeAnchors(pem, now)),
  ]);
  const problems = [...chain.problems, ...key.problems, ...mismatch(chain, key), ...(anchors?.problems ?? [])];
  const [leaf] = chain.value ?? [];
  if (problems.length > 0 || chain.value === undefined || leaf === undefined || key.value === undefined) {
    throw new ConfigError(problems);
  }
  const ends = chain.value.map((certificate) => validityOf(certificate).notAfter.getTime());
  return {
    credentials: {
      secureContext: secureContext(chain.variable, chain.value, key.value, anchors?.value),
      subject: onOneLine(leaf.subject),
      issuer: onOneLine(leaf.issuer),
      notBefore: validityOf(leaf).notBefore,
      notAfter: new Date(Math.min(...ends)),
      fingerprint: leaf.fingerprint256,
    },
    warnings: [...sources.warnings, ...chain.warnings, ...key.warnings, ...(anchors?.warnings ?? [])],
  };
}

/** @param variable where to put the PEM that is missing, if there is no source */
async function load<T>(
  source: PemSource | undefined,
  variable: string,
  judge: (pem: string) => Judgement<T>,
): Promise<Part<T>> {
  if (source === undefined) {
    const others = [variable.replace(/_B64$/, ''), variable.replace(/_B64$/, '_FILE')].join(' or ');
    return { variable, problems: [`${variable}: this is not set. Set it, or ${others}.`], warnings: [] };
  }
  const read = await readPem(source);
  if (!read.ok) return { variable: source.variable, problems: [read.problem], warnings: [] };
  const { faults, warnings, ...rest } = judge(read.pem);
  const line = (text: string): string => `${read.variable}: ${text}`;
  return {
    ...rest,
    variable: read.variable,
    problems: faults.map(line),
    warnings: [...read.warnings, ...warnings.map(line)],
  };
}

function mismatch(chain: Part<readonly X509Certificate[]>, key: Part<KeyObject>): readonly string[] {
  const [leaf, ...others] = chain.value ?? [];
  const privateKey = key.value;
  if (leaf === undefined || privateKey === undefined || leaf.checkPrivateKey(privateKey)) return [];
  // In a chain that is out of order the key may belong to another one, and the order is the problem.
  if (chain.problems.length > 0 && others.some((other) => other.checkPrivateKey(privateKey))) return [];
  return [
    `${key.variable}: this key does not belong to the certificate in ${chain.variable}. Put the key here that the ` +
      'certificate was requested with.',
  ];
}

function secureContext(
  variable: string,
  chain: readonly X509Certificate[],
  key: KeyObject,
  anchors: readonly X509Certificate[] | undefined,
): SecureContext {
  try {
    return createSecureContext({
      cert: chain.map(String).join(''),
      // Decrypted once only: a passphrase costs tens of milliseconds, in which a reload would hold up calls.
      key: key.export({ type: 'pkcs8', format: 'pem' }),
      ...(anchors && { ca: anchors.map(String) }),
      minVersion: 'TLSv1.2',
    });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no error code';
    throw new ConfigError([
      /TOO_SMALL|TOO_WEAK/.test(code)
        ? `${variable}: a key or signature in this certificate is too weak for OpenSSL. Ask for a new certificate.`
        : `${variable}: OpenSSL refuses this certificate with its key (${code}). Ask for a new certificate.`,
    ]);
  }
}

/** X509Certificate puts each attribute on its own line. */
function onOneLine(distinguishedName: string): string {
  return distinguishedName.split('\n').join(', ');
}
