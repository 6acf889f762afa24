import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createAuthority } from '../pki.ts';

/** What all contenders are given: certificates as files, and a folder to write to. */
export interface Setting {
  readonly directory: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly serverCertFile: string;
  readonly serverKeyFile: string;
}

/** The sizes of bodies that are measured, by the name that stands in the table and in the path. */
const BODY_BYTES = { small: 200, '64k': 65_536, '10m': 10_485_760 } as const;
export type BodySize = keyof typeof BODY_BYTES;

/** Makes certificates and bodies in a folder that the caller deletes. */
export async function prepare(directory: string): Promise<Setting> {
  const authority = await createAuthority();
  const client = await authority.issue({ commonName: 'bench' });
  const server = await authority.issue({ usage: 'server' });
  const put = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  mkdirSync(join(directory, 'bodies'));
  for (const [name, bytes] of Object.entries(BODY_BYTES)) put(`bodies/${name}`, jsonOf(bytes));
  return {
    directory,
    caFile: put('ca.crt', authority.certPem),
    certFile: put('client.crt', client.certPem),
    keyFile: put('client.key', client.keyPem),
    serverCertFile: put('server.crt', server.certPem),
    serverKeyFile: put('server.key', server.keyPem),
  };
}

/** JSON text of about this many bytes, such as a payment API answers. */
export function jsonOf(bytes: number): string {
  const frame = '{"resultType":"SUCCESS","success":{"memo":""}}';
  return frame.replace('""', `"${'x'.repeat(Math.max(0, bytes - frame.length))}"`);
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
