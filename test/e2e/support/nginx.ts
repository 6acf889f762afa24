import type { Authority } from '../../../scripts/pki.ts';
import { directoryWith } from './files.ts';
import { findPort } from './port.ts';
import { listening, type Program, startProgram } from './program.ts';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

interface NginxOptions {
  /** Issues the server's certificate, and is the one from which clients' certificates must come. */
  readonly authority: Authority;
  /** Default: both. */
  readonly tls?: TlsVersion;
  /** What `location /` does. */
  readonly location: string;
  /** Further directives of the `server` block. */
  readonly directives?: string;
}

export interface Nginx {
  readonly port: number;
  /** Ends it at once, and with it every connection. */
  stop(): Promise<void>;
  /** Starts it again on the same port; resolves when it listens. */
  start(): Promise<void>;
}

/** Starts nginx as a payment API that asks for a client certificate, and answers 400 itself to whoever has no good one. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const { authority, tls = 'TLSv1.2 TLSv1.3', location, directives = '' } = options;
  const port = await findPort();
  const server = await authority.issue({ usage: 'server' });
  const cwd = await directoryWith({
    'server.crt': server.certPem,
    'server.pem': server.keyPem,
    'ca.crt': authority.certPem,
    // One process, which does everything as the user that started it and can be killed for good.
    'nginx.conf': `
      daemon off; master_process off; pid nginx.pid;
      events { worker_connections 8192; }
      http {
        access_log off;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
        client_max_body_size 64m;
        server {
          listen 127.0.0.1:${port} ssl backlog=4096;
          ssl_certificate server.crt; ssl_certificate_key server.pem; ssl_client_certificate ca.crt;
          ssl_verify_client on;
          ssl_protocols ${tls};
          ${directives}
          location / { ${location} }
        }
      }`,
  });
  let nginx: Program;
  const start = async () => {
    nginx = await startProgram('nginx', ['-p', cwd, '-c', 'nginx.conf', '-e', 'stderr'], { cwd });
    await listening(nginx, port);
  };
  await start();
  return { port, start, stop: () => nginx.kill() };
}
