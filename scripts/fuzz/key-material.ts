import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAuthority } from '../pki.ts';

/** Certificates, keys and files that settings may name, made on the spot and thrown away. */
export interface KeyMaterial {
  readonly directory: string;
  /** What stands for each placeholder, such as `{CERT}`. */
  readonly texts: ReadonlyMap<string, string>;
  /** Pieces of key material, none of which may ever be told. */
  readonly secrets: readonly string[];
  remove(): void;
}

/** In settings, `{CERT}` stands for PEM text, `{CERT_ESCAPED}` and `{CERT_B64}` for its other forms, `{CERT_FILE}` for a file. */
export const PLACEHOLDERS = ['CERT', 'EXPIRED', 'CHAIN', 'CA', 'KEY', 'OTHER_KEY', 'RSA_KEY', 'LOCKED_KEY'] as const;

export const PASSPHRASE = 'open-sesame-open-sesame';

export async function makeKeyMaterial(): Promise<KeyMaterial> {
  const authority = await createAuthority();
  const intermediate = await authority.createIntermediate();
  const [good, other, expired, chain] = await Promise.all([
    authority.issue(),
    authority.issue({ algorithm: 'rsa' }),
    authority.issue({ notBefore: new Date(0), notAfter: new Date(1) }),
    intermediate.issue(),
  ]);
  const key = createPrivateKey(good.keyPem);
  const lockedKey = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: PASSPHRASE });
  const pems: Record<(typeof PLACEHOLDERS)[number], string> = {
    CERT: good.certPem,
    EXPIRED: expired.certPem,
    CHAIN: chain.certPem,
    CA: authority.certPem,
    KEY: good.keyPem,
    OTHER_KEY: chain.keyPem,
    RSA_KEY: other.keyPem,
    LOCKED_KEY: lockedKey.toString(),
  };
  const directory = mkdtempSync(path.join(tmpdir(), 'fuzz-settings-'));
  const texts = new Map<string, string>();
  for (const [name, pem] of Object.entries(pems)) {
    const file = path.join(directory, `${name}.pem`);
    writeFileSync(file, pem, { mode: 0o600 });
    texts.set(`{${name}}`, pem);
    texts.set(`{${name}_ESCAPED}`, pem.replaceAll('\n', '\\n'));
    texts.set(`{${name}_B64}`, Buffer.from(pem).toString('base64'));
    texts.set(`{${name}_FILE}`, file);
  }
  const lines = Object.values(pems).flatMap((pem) => pem.split('\n').filter((line) => /^[\w+/=]{20,}$/.test(line)));
  return {
    directory,
    texts,
    secrets: [...lines, ...lines.map((line) => Buffer.from(line).toString('base64').slice(4, 24)), PASSPHRASE],
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
