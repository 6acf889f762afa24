import type { Authority } from '../../../scripts/pki.ts';
import { directoryWith } from './files.ts';
import type { TlsVersion } from './nginx.ts';
import { findPort } from './port.ts';
import { listening, startProgram } from './program.ts';

interface HaproxyOptions {
  readonly authority: Authority;
  readonly tls: TlsVersion;
  /** Further lines of its `defaults`, such as other timeouts. */
  readonly defaults?: readonly string[];
}

/** Starts HAProxy as a TLS front that demands a client certificate and answers every call itself, with 200 and `ok`. */
export async function startHaproxy(options: HaproxyOptions): Promise<{ readonly port: number }> {
  const { authority, tls, defaults = [] } = options;
  const port = await findPort();
  const server = await authority.issue({ usage: 'server' });
  const cwd = await directoryWith({
    'server.pem': server.certPem + server.keyPem,
    'ca.crt': authority.certPem,
    'haproxy.cfg': `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  ${defaults.join('\n  ')}
frontend payments
  bind 127.0.0.1:${port} ssl crt server.pem ca-file ca.crt verify required ssl-min-ver ${tls} ssl-max-ver ${tls}
  http-request return status 200 content-type text/plain string ok
`,
  });
  await listening(await startProgram('haproxy', ['-db', '-f', 'haproxy.cfg'], { cwd }), port);
  return { port };
}
