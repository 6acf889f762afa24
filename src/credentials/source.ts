import { type Environment, lookUp } from '../config/environment.ts';
import { readSmallFile } from '../config/read-file.ts';
import { Secret } from '../config/secret.ts';
import { pemFromBase64, pemFromFile, pemFromText } from './pem.ts';

/** Where one PEM comes from. */
export interface PemSource {
  readonly variable: string;
  readonly form: 'base64' | 'text' | 'file';
  /** The variable's value: the PEM in one form or other, or the path of its file. */
  readonly value: Secret;
}

/** What the environment says about our certificate and about whom to trust; nothing has been read or judged yet. */
export interface CredentialSources {
  readonly certificate: PemSource | undefined;
  readonly privateKey: PemSource | undefined;
  readonly passphrase: Secret | undefined;
  /** Absent: Node's own root certificates. */
  readonly ca: PemSource | undefined;
  /** For the log, one line each. */
  readonly warnings: readonly string[];
}

export type PemRead =
  | { readonly ok: true; readonly variable: string; readonly pem: string; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problem: string };

type Form = readonly [variable: string, form: PemSource['form']];

/** In the order in which they win. */
const CERTIFICATE: readonly Form[] = [
  ['TOSS_PUBLIC_CRT_B64', 'base64'],
  ['TOSS_PUBLIC_CRT', 'text'],
  ['TOSS_PUBLIC_CRT_FILE', 'file'],
];
const PRIVATE_KEY: readonly Form[] = [
  ['TOSS_PRIVATE_KEY_B64', 'base64'],
  ['TOSS_PRIVATE_KEY', 'text'],
  ['TOSS_PRIVATE_KEY_FILE', 'file'],
];
const CA: readonly Form[] = [
  ['UPSTREAM_CA_B64', 'base64'],
  ['UPSTREAM_CA_FILE', 'file'],
];

/** Picks, for each PEM, the first of its variables that is set. */
export function credentialSources(env: Environment): CredentialSources {
  const [certificate, ...certificatesIgnored] = sourcesIn(env, CERTIFICATE);
  const [privateKey, ...privateKeysIgnored] = sourcesIn(env, PRIVATE_KEY);
  const [ca, ...casIgnored] = sourcesIn(env, CA);
  const passphrase = lookUp(env, 'TOSS_PRIVATE_KEY_PASSPHRASE');
  return {
    certificate,
    privateKey,
    passphrase: passphrase === undefined ? undefined : new Secret(passphrase),
    ca,
    warnings: [
      ...ignored(certificate, certificatesIgnored),
      ...ignored(privateKey, privateKeysIgnored),
      ...ignored(ca, casIgnored),
    ],
  };
}

/**
 * Reads the PEM text that a source leads to. What the PEM holds is not judged here.
 *
 * @returns the text, with the variable it came from; or the problem, which names the variable and the remedy
 */
export async function readPem({ variable, form, value }: PemSource): Promise<PemRead> {
  const warnings: string[] = [];
  let text: ReturnType<typeof pemFromText>;
  if (form === 'file') {
    const file = await readSmallFile(value.reveal());
    if (!file.ok) return { ok: false, problem: `${variable}: the file that this names ${file.reason}. Mend it.` };
    text = pemFromFile(file.content);
    if (file.readableByOthers && text.ok && text.pem.includes('PRIVATE KEY-----')) {
      warnings.push(`${variable}: other users can read the private key in this file. Run "chmod 600" on it.`);
    }
  } else {
    text = form === 'base64' ? pemFromBase64(value.reveal()) : pemFromText(value.reveal());
  }
  return text.ok
    ? { ok: true, variable, pem: text.pem, warnings }
    : { ok: false, problem: `${variable}: ${text.fault}` };
}

function sourcesIn(env: Environment, forms: readonly Form[]): readonly PemSource[] {
  return forms.flatMap(([variable, form]) => {
    const value = lookUp(env, variable);
    return value === undefined ? [] : [{ variable, form, value: new Secret(value) }];
  });
}

/** A renewed file that is never looked at, since an old Base64 wins, would be found on the day the old one ends. */
function ignored(winner: PemSource | undefined, losers: readonly PemSource[]): readonly string[] {
  return losers.map(
    ({ variable }) => `${variable}: not read, since ${winner?.variable} is set too. Remove one of them.`,
  );
}
