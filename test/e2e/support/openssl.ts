import type { Authority, KeyAlgorithm } from '../../../scripts/pki.ts';
import { directoryWith } from './files.ts';
import type { TlsVersion } from './nginx.ts';
import { findPort } from './port.ts';
import { listening, startProgram } from './program.ts';

interface OpensslOptions {
  readonly authority: Authority;
  readonly tls: TlsVersion;
  /** Of the server's certificate. Default: `ec`. */
  readonly algorithm?: KeyAlgorithm;
  /** What it serves, by file name: bodies, or with `HTTP` whole answers. */
  readonly files: Readonly<Record<string, string | Buffer>>;
  readonly mode?: 'WWW' | 'HTTP';
}

/**
 * Starts `openssl s_server -Verify 1`, which demands a client certificate and takes one connection after another, each
 * for one answer.
 */
export async function startOpenssl(options: OpensslOptions): Promise<{ readonly port: number }> {
  const { authority, tls, algorithm = 'ec', files, mode = 'WWW' } = options;
  const port = await findPort();
  const server = await authority.issue({ usage: 'server', algorithm });
  const cwd = await directoryWith({
    ...files,
    'server.crt': server.certPem,
    'server.pem': server.keyPem,
    'ca.crt': authority.certPem,
  });
  const args = [
    's_server',
    ...['-accept', `127.0.0.1:${port}`],
    ...['-cert', 'server.crt', '-key', 'server.pem', '-CAfile', 'ca.crt'],
    // Without the second it would demand a certificate and take any.
    ...['-Verify', '1', '-verify_return_error'],
    tls === 'TLSv1.2' ? '-tls1_2' : '-tls1_3',
    `-${mode}`,
    '-quiet',
  ];
  await listening(await startProgram('openssl', args, { cwd }), port);
  return { port };
}
