import { onTestFinished } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from './caller.ts';
import { type RunningService, startService } from './service.ts';
import { onRequest, startUpstream, type Upstream, type UpstreamConnection } from './upstream.ts';

/** What the payment API does with a request: the bytes that it answers, or anything else. */
export type Behaviour = string | Buffer | ((request: string, connection: UpstreamConnection) => void);

/** All that a call goes through. */
export interface ProxyBefore {
  readonly service: RunningService;
  readonly upstream: Upstream;
  /** Calls `POST /proxy` of the service. */
  post(envelope: object | string | Buffer, options?: Parameters<typeof post>[2]): ReturnType<typeof post>;
}

/** The real service before a scripted payment API, through real TLS; both end with the test. */
export async function startProxyBefore(
  behaviour: Behaviour,
  settings: Readonly<Record<string, string>> = {},
): Promise<ProxyBefore> {
  const authority = await createAuthority();
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, (request) => {
      if (typeof behaviour === 'function') behaviour(request, connection);
      else connection.socket.write(behaviour);
    });
  });
  onTestFinished(() => upstream.close());
  const service = await startService({ authority, upstreamPorts: [upstream.port], settings });
  onTestFinished(() => service.close());
  return { service, upstream, post: (envelope, options) => post(service.port, envelope, options) };
}
