import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Authority } from '../../scripts/pki.ts';

/** One connection to a scripted upstream. */
export interface UpstreamConnection {
  readonly socket: TLSSocket;
  /** The TCP connection beneath, for resets and for ends without a TLS close. */
  readonly tcp: Socket;
  /** How many connections came before this one. */
  readonly index: number;
  /** What the server's TLS 1.3 records are encrypted with, for scripts that write records themselves. */
  readonly serverSecret: Buffer | undefined;
}

export interface Upstream {
  readonly port: number;
  /** How many connections have completed their handshake. */
  readonly connections: number;
  /** Everything that has been read, over all connections. */
  readonly received: string;
  close(): Promise<void>;
}

/** A payment API that is played byte by byte: `script` gets each connection whose handshake has ended. */
export async function startUpstream(
  authority: Authority,
  script: (connection: UpstreamConnection) => void,
  options: TlsOptions = {},
  listen: { readonly host: string; readonly port: number } = { host: 'localhost', port: 0 },
): Promise<Upstream> {
  const { certPem, keyPem } = await authority.issue({ names: ['localhost', '127.0.0.1', '::1'], usage: 'server' });
  const tcpOf = new Map<number | undefined, Socket>();
  const secretOf = new WeakMap<TLSSocket, Buffer>();
  const open = new Set<Socket>();
  let connections = 0;
  let received = '';
  const server = createServer({ cert: certPem, key: keyPem, ca: authority.certPem, requestCert: true, ...options });
  server.on('connection', (tcp: Socket) => {
    tcpOf.set(tcp.remotePort, tcp);
    open.add(tcp);
    tcp.on('close', () => open.delete(tcp));
  });
  server.on('keylog', (line, socket) => {
    const [, secret] = /^SERVER_TRAFFIC_SECRET_0 \S+ (\S+)/.exec(line.toString()) ?? [];
    if (secret !== undefined) secretOf.set(socket, Buffer.from(secret, 'hex'));
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    const tcp = tcpOf.get(socket.remotePort);
    if (tcp === undefined) throw new Error('a TLS connection without its TCP connection');
    script({ socket, tcp, index: connections, serverSecret: secretOf.get(socket) });
    connections += 1;
  });
  server.on('tlsClientError', () => undefined);
  server.listen(listen);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    get received() {
      return received;
    },
    close: async () => {
      for (const tcp of open) tcp.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Calls `then` once for each request head (and `Content-Length` body) that has come whole over the connection. */
export function onRequest({ socket }: UpstreamConnection, then: (request: string) => void): void {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
      const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
      const whole = end + 4 + length;
      if (text.length < whole) return;
      const request = text.slice(0, whole);
      text = text.slice(whole);
      then(request);
    }
  });
}

/** Resolves when the proxy's connection is gone, properly or not. */
export function gone({ socket }: Pick<UpstreamConnection, 'socket'>): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}
