import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Environment } from '../config/environment.ts';
import { onOneLine, validityOf } from '../credentials/certificates.ts';
import { type Credentials, credentialsFrom } from '../credentials/credentials.ts';
import { type Examination, examine, type Part } from '../credentials/examination.ts';
import { credentialSources } from '../credentials/source.ts';
import { type Check, failed, passed, problemsOf, skipped, warned } from './check.ts';

const DAY_MS = 86_400_000;
const WARNED_DAYS = 30;

interface CertificateFound {
  readonly checks: readonly Check[];
  /** There are some if nothing is wrong. */
  readonly credentials?: Credentials;
}

/** Checks certificate, key and CA as the start does. */
export async function checkCertificate(env: Environment, now: Date): Promise<CertificateFound> {
  const sources = credentialSources(env);
  const examination = await examine(sources, now);
  const { chain, key, anchors, mismatch, dates, order } = examination;
  const checks = [
    ...sources.warnings.map((line) => warned('files', line)),
    ...partChecks('certificate', chain, describeChain),
    ...partChecks('private key', key, describeKey),
    ...(chain.value && key.value
      ? problemsOr('pair', mismatch, () => passed('pair', 'the private key belongs to the certificate'))
      : [skipped('pair', 'it takes a certificate and a private key')]),
    ...(chain.value
      ? chainChecks(chain.value, dates, order, now)
      : ['dates', 'chain'].map((check) => skipped(check, 'it takes a certificate'))),
    ...(anchors ? partChecks('CA', anchors, describeAnchors) : [passed('CA', "Node's own root certificates")]),
  ];
  if (checks.some(({ state }) => state === 'failed')) return { checks };
  return withCredentials(checks, examination);
}

/** What only OpenSSL finds is wrong with the pair as a whole. */
function withCredentials(checks: readonly Check[], examination: Examination): CertificateFound {
  try {
    return { checks, credentials: credentialsFrom(examination) };
  } catch (error) {
    return { checks: [...checks, ...problemsOf(error).map((problem) => failed('pair', problem))] };
  }
}

function partChecks<T>(check: string, part: Part<T>, describe: (value: T) => string): readonly Check[] {
  const { variable, value, problems, warnings } = part;
  if (value === undefined || problems.length > 0) return problems.map((problem) => failed(check, problem));
  return [passed(check, `${variable}: ${describe(value)}`), ...warnings.map((line) => warned(check, line))];
}

function chainChecks(
  chain: readonly X509Certificate[],
  dates: readonly string[],
  order: readonly string[],
  now: Date,
): readonly Check[] {
  const size = chain.length === 1 ? '1 certificate' : `${chain.length} certificates, each issued by the next`;
  return [
    ...problemsOr('dates', dates, () => validity(chain, now)),
    ...problemsOr('chain', order, () => passed('chain', size)),
  ];
}

function problemsOr(check: string, problems: readonly string[], good: () => Check): readonly Check[] {
  return problems.length === 0 ? [good()] : problems.map((problem) => failed(check, problem));
}

function validity(chain: readonly X509Certificate[], now: Date): Check {
  const endMs = Math.min(...chain.map((certificate) => validityOf(certificate).notAfter.getTime()));
  const daysLeft = Math.floor((endMs - now.getTime()) / DAY_MS);
  const end = `valid until ${new Date(endMs).toISOString().slice(0, 10)}, ${daysLeft} days left`;
  return daysLeft < WARNED_DAYS ? warned('dates', `${end}. Renew the certificate.`) : passed('dates', end);
}

function describeChain([leaf]: readonly X509Certificate[]): string {
  if (leaf === undefined) return '';
  return `${onOneLine(leaf.subject)}, issued by ${onOneLine(leaf.issuer)}, SHA-256 ${leaf.fingerprint256}`;
}

function describeKey({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject): string {
  const size = details.namedCurve ?? (details.modulusLength && `${details.modulusLength} bits`);
  return [type?.toUpperCase(), size].filter(Boolean).join(', ');
}

function describeAnchors(anchors: readonly X509Certificate[]): string {
  return `${anchors.length} ${anchors.length === 1 ? 'certificate' : 'certificates'} to trust instead of Node's own`;
}
