import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { ConfigError } from '../config/config-error.ts';
import { onOneLine, validityOf } from './certificates.ts';
import { type Examination, examine } from './examination.ts';
import type { CredentialSources } from './source.ts';

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
  /** The same for two that make the same handshakes: over the chain, to which the key is bound, and the anchors. */
  readonly digest: string;
}

export interface LoadedCredentials {
  readonly credentials: Credentials;
  /** For the log, one line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads, parses and judges certificate, key and CA, all of them or nothing: at start, and again at each reload.
 *
 * @param now the time at which the certificates must be valid
 * @throws ConfigError with every problem at once, each naming its variable and the remedy, never a value
 */
export async function loadCredentials(sources: CredentialSources, now: Date): Promise<LoadedCredentials> {
  const examination = await examine(sources, now);
  return { credentials: credentialsFrom(examination), warnings: examination.warnings };
}

/** @throws ConfigError with every problem that the examination has found, or the one that only OpenSSL finds */
export function credentialsFrom({ chain, key, anchors, dates, order, mismatch }: Examination): Credentials {
  const ofChain = [...chain.problems, ...dates, ...order];
  const problems = [...ofChain, ...key.problems, ...mismatch, ...(anchors?.problems ?? [])];
  const [leaf] = chain.value ?? [];
  if (problems.length > 0 || chain.value === undefined || leaf === undefined || key.value === undefined) {
    throw new ConfigError(problems);
  }
  const ends = chain.value.map((certificate) => validityOf(certificate).notAfter.getTime());
  return {
    secureContext: secureContext(chain.variable, chain.value, key.value, anchors?.value),
    subject: onOneLine(leaf.subject),
    issuer: onOneLine(leaf.issuer),
    notBefore: validityOf(leaf).notBefore,
    notAfter: new Date(Math.min(...ends)),
    fingerprint: leaf.fingerprint256,
    digest: digestOf(chain.value, anchors?.value),
  };
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

function digestOf(chain: readonly X509Certificate[], anchors: readonly X509Certificate[] | undefined): string {
  const fingerprints = [chain, anchors ?? []].map((list) => list.map(({ fingerprint256 }) => fingerprint256).join());
  return createHash('sha256')
    .update(`${fingerprints.join('\n')} ${anchors === undefined ? 'bundled' : 'given'}`)
    .digest('hex');
}
