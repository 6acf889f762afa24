import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Authority, createAuthority } from '../pki.ts';

export interface SandboxCertificates {
  /** Signs both sides: the sandbox's own certificate and the client's. */
  readonly authority: Authority;
  /** The service's settings: files in a directory that only this user can read. */
  readonly settings: {
    readonly TOSS_PUBLIC_CRT_FILE: string;
    readonly TOSS_PRIVATE_KEY_FILE: string;
    readonly UPSTREAM_CA_FILE: string;
  };
  /** Deletes the directory. Synchronous, so that it also works while the process exits. */
  remove(): void;
}

/** Makes a CA and a client certificate under it (RSA, as Toss issues them), and writes what the service needs to files. */
export async function makeCertificates(): Promise<SandboxCertificates> {
  const authority = await createAuthority({ commonName: 'Sandbox CA' });
  const { certPem, keyPem } = await authority.issue({ commonName: 'sandbox-mini-app', algorithm: 'rsa' });
  // Made with mode 0700; and all in one go, so that no signal finds files that nobody would remove.
  const directory = mkdtempSync(path.join(tmpdir(), 'toss-mtls-proxy-'));
  const write = (name: string, content: string) => {
    const file = path.join(directory, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  return {
    authority,
    settings: {
      TOSS_PUBLIC_CRT_FILE: write('sandbox_public.crt', certPem),
      TOSS_PRIVATE_KEY_FILE: write('sandbox_private.key', keyPem),
      UPSTREAM_CA_FILE: write('sandbox_ca.crt', authority.certPem),
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
