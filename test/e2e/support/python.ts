import { fileURLToPath } from 'node:url';
import type { Authority } from '../../../scripts/pki.ts';
import { directoryWith } from './files.ts';
import type { TlsVersion } from './nginx.ts';
import { findPort } from './port.ts';
import { listening, startProgram } from './program.ts';

const SERVER = fileURLToPath(new URL('server.py', import.meta.url));

interface PythonOptions {
  readonly authority: Authority;
  readonly tls: TlsVersion;
}

/** Starts a server on Python's ssl with `CERT_REQUIRED`. */
export async function startPython({ authority, tls }: PythonOptions): Promise<{ readonly port: number }> {
  const port = await findPort();
  const server = await authority.issue({ usage: 'server' });
  const cwd = await directoryWith({
    'server.crt': server.certPem,
    'server.pem': server.keyPem,
    'ca.crt': authority.certPem,
  });
  const version = tls.replace('.', '_');
  await listening(await startProgram('python3', [SERVER, String(port), version], { cwd }), port);
  return { port };
}
