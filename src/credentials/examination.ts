import type { KeyObject, X509Certificate } from 'node:crypto';
import { dateFaults, judgeAnchors, orderFaults, readChain } from './certificates.ts';
import type { Judgement } from './judgement.ts';
import { judgePrivateKey } from './private-key.ts';
import { type CredentialSources, type PemSource, readPem } from './source.ts';

/** What a source came to; its problems and warnings name the variable. */
export interface Part<T> {
  readonly variable: string;
  readonly value?: T;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** What was found about certificate, key and CA, check by check; each problem names its variable and the remedy. */
export interface Examination {
  readonly chain: Part<readonly X509Certificate[]>;
  readonly key: Part<KeyObject>;
  /** Absent: Node's own root certificates. */
  readonly anchors: Part<readonly X509Certificate[]> | undefined;
  /** Problems with the dates of the chain. */
  readonly dates: readonly string[];
  /** Problems with the order of the chain. */
  readonly order: readonly string[];
  /** The key does not belong to the certificate. */
  readonly mismatch: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Reads, parses and judges certificate, key and CA; what is wrong with one does not keep the others from being judged.
 *
 * @param now the time at which the certificates must be valid
 */
export async function examine(sources: CredentialSources, now: Date): Promise<Examination> {
  const [chain, key, anchors] = await Promise.all([
    load(sources.certificate, 'TOSS_PUBLIC_CRT_B64', readChain),
    load(sources.privateKey, 'TOSS_PRIVATE_KEY_B64', (pem) => judgePrivateKey(pem, sources.passphrase)),
    sources.ca && load(sources.ca, sources.ca.variable, (pem) => judgeAnchors(pem, now)),
  ]);
  const line = (fault: string): string => `${chain.variable}: ${fault}`;
  const order = orderFaults(chain.value ?? []).map(line);
  return {
    chain,
    key,
    anchors,
    dates: dateFaults(chain.value ?? [], now).map(line),
    order,
    mismatch: mismatch(chain, key, order.length > 0),
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

function mismatch(
  chain: Part<readonly X509Certificate[]>,
  key: Part<KeyObject>,
  outOfOrder: boolean,
): readonly string[] {
  const [leaf, ...others] = chain.value ?? [];
  const privateKey = key.value;
  if (leaf === undefined || privateKey === undefined || leaf.checkPrivateKey(privateKey)) return [];
  // In a chain that is out of order the key may belong to another one, and the order is the problem.
  if (outOfOrder && others.some((other) => other.checkPrivateKey(privateKey))) return [];
  return [
    `${key.variable}: this key does not belong to the certificate in ${chain.variable}. Put the key here that the ` +
      'certificate was requested with.',
  ];
}
