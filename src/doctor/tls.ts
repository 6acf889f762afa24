import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { UpstreamHost } from '../config.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { ErrorCode } from '../errors.ts';
import { type Failure, failureCode } from '../upstream/failure.ts';
import { Handshake } from '../upstream/handshake.ts';

/** What a server has shown of itself; up to TLS 1.2 there is nothing to see if it refuses us. */
export interface Shown {
  readonly protocol: string;
  readonly cipher: string;
  readonly certificate: X509Certificate | undefined;
  /** Whether it has asked for a client certificate. */
  readonly asked: boolean;
}

export interface Inspection {
  readonly shown: Shown | undefined;
  /** Absent: the handshake has ended well, and nothing has come after it within the time in which it settles. */
  readonly failure: { readonly code: ErrorCode; readonly cause: Failure } | undefined;
  readonly durationMs: number;
}

/** Makes one handshake, as the pool does it, and looks at what the server shows, also if we do not trust it. */
export async function inspect(host: UpstreamHost, credentials: Credentials, timeoutMs: number): Promise<Inspection> {
  const startedAtMs = performance.now();
  let shown: Shown | undefined;
  const failure = await new Promise<Inspection['failure']>((resolve) => {
    const end = (cause: Failure | undefined) => {
      resolve(cause && { code: failureCode(handshake.phase, cause), cause });
      socket.destroy();
    };
    const handshake = new Handshake(host, credentials, { connectTimeoutMs: timeoutMs }, () => end(undefined));
    const { socket } = handshake;
    // Node's own listener for this event judges the server, and hangs up on one that is not trusted.
    socket.prependListener('secure', () => {
      shown = showing(socket);
    });
    // An alert is an error a while before the connection closes, and it may settle in between.
    socket.on('error', end);
    socket.on('close', () => end({ message: 'The connection was closed before it was ready' }));
  });
  return { shown, failure, durationMs: performance.now() - startedAtMs };
}

function showing(socket: TLSSocket): Shown {
  // Not `getPeerX509Certificate()`: called this early, it makes Node 20 to 24 find no names in the certificate.
  const { raw } = socket.getPeerCertificate();
  return {
    protocol: socket.getProtocol() ?? 'an unknown protocol',
    cipher: socket.getCipher().standardName,
    certificate: raw && new X509Certificate(raw),
    // A server says what signatures it takes when it asks for a certificate, and only then (RFC 8446 §4.3.2).
    asked: socket.getSharedSigalgs().length > 0,
  };
}
