import { onTestFinished } from 'vitest';
import { type Authority, createAuthority, type KeyPair } from '../../../scripts/pki.ts';
import type { Environment } from '../../../src/config/environment.ts';
import { type RunningService, startService } from '../../support/service.ts';
import { onRequest, startUpstream, type Upstream, type UpstreamConnection } from '../../support/upstream.ts';

export interface Scene {
  readonly authority: Authority;
  readonly service: RunningService;
  /** Issues a client certificate of this name, and gives it with its key as an operator would set them. */
  issue(commonName: string): Promise<Environment>;
}

/** The real service before a payment API on localhost at this port; it ends with the test. */
export async function setScene(
  authority: Authority,
  upstreamPort: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  const service = await startService({ authority, upstreamPorts: [upstreamPort], settings });
  onTestFinished(() => service.close());
  return {
    authority,
    service,
    issue: async (commonName) => asSettings(await authority.issue({ commonName })),
  };
}

function asSettings({ certPem, keyPem }: KeyPair): Environment {
  return { TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem };
}

/** Whom the client certificate names that the payment API sees on a connection. */
export function clientOf({ socket }: UpstreamConnection): string {
  return String(socket.getPeerCertificate().subject.CN);
}

/** A payment API that tells each caller the certificate that it has seen; `greet` is asked before the first request. */
export async function startTellingUpstream(
  greet: (connection: UpstreamConnection) => void = () => undefined,
  authority?: Authority,
): Promise<{ readonly authority: Authority; readonly upstream: Upstream }> {
  const issuer = authority ?? (await createAuthority());
  const upstream = await startUpstream(issuer, (connection) => {
    const client = clientOf(connection);
    const isResumed = connection.socket.isSessionReused();
    greet(connection);
    onRequest(connection, (request) => {
      const isHead = request.startsWith('HEAD ');
      const body = JSON.stringify({ client, isResumed, connection: connection.index });
      connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${isHead ? '' : body}`);
    });
  });
  onTestFinished(() => upstream.close());
  return { authority: issuer, upstream };
}

/** What {@link startTellingUpstream} tells. */
export interface Told {
  readonly client: string;
  readonly isResumed: boolean;
  /** How many connections came before the one over which the call went. */
  readonly connection: number;
}
