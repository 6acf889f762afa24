import type { TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { type Authority, createAuthority } from '../../scripts/pki.ts';
import { loadConfig } from '../../src/config.ts';
import { type Credentials, loadCredentials } from '../../src/credentials/credentials.ts';
import { credentialSources } from '../../src/credentials/source.ts';
import { Exchange } from '../../src/upstream/exchange.ts';
import type { LaneStatus } from '../../src/upstream/lane-status.ts';
import type { Answer, Message } from '../../src/upstream/message.ts';
import { ConnectionPool, type PoolOptions } from '../../src/upstream/pool.ts';
import { Trace } from '../../src/upstream/trace.ts';
import { onRequest, startUpstream, type Upstream, type UpstreamConnection } from './upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface PoolCall {
  readonly exchange: Exchange;
  readonly trace: Trace;
  /** Resolves when nothing more will happen between us and the payment API. */
  readonly ended: Promise<void>;
  readonly answer: Promise<Answer>;
}

export interface OpenPool {
  readonly pool: ConnectionPool;
  /** Begins a call: `GET /` with 5 s for it, if nothing else is said. */
  begin(message?: Partial<Message>, timeoutMs?: number): PoolCall;
  /** Makes a call, and waits for its end. */
  call(message?: Partial<Message>): Promise<Trace>;
  /** The state of the one host. */
  status(): LaneStatus;
}

export type OpenPoolOptions = Partial<Omit<PoolOptions, 'hosts'>>;

/** A client certificate of this authority, which servers of this authority are verified against. */
export async function issueCredentials(authority: Authority, commonName: string): Promise<Credentials> {
  const client = await authority.issue({ commonName });
  const { credentials } = await loadCredentials(
    credentialSources({
      TOSS_PUBLIC_CRT: client.certPem,
      TOSS_PRIVATE_KEY: client.keyPem,
      UPSTREAM_CA_B64: Buffer.from(authority.certPem).toString('base64'),
    }),
    new Date(),
  );
  return credentials;
}

/** A pool for one host (`localhost:8443`, as in UPSTREAM_HOSTS), without the service around it; closed with the test. */
export async function openPool(authority: Authority, host: string, options: OpenPoolOptions = {}): Promise<OpenPool> {
  const { upstreamHosts: hosts } = loadConfig({ UPSTREAM_HOSTS: host });
  const [upstream] = hosts;
  if (upstream === undefined) throw new Error('UPSTREAM_HOSTS has no host');
  const pool = new ConnectionPool(await issueCredentials(authority, 'first'), {
    hosts,
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 30_000,
    warmConnections: 0,
    ...options,
  });
  onTestFinished(() => pool.close());
  const begin = (message: Partial<Message> = {}, timeoutMs = 5_000): PoolCall => {
    const trace = new Trace();
    let onEnded = () => {};
    const ended = new Promise<void>((resolve) => {
      onEnded = resolve;
    });
    const whole = { method: 'GET', path: '/', headers: ['Host', upstream.authority], body: undefined, ...message };
    const exchange = new Exchange(whole, { pool, upstream, timeoutMs, trace, onEnded });
    // A test that does not look at the answer must not fail for it.
    exchange.answer.catch(() => undefined);
    return { exchange, trace, ended, answer: exchange.answer };
  };
  return {
    pool,
    begin,
    async call(message) {
      const { trace, ended } = begin(message);
      await ended;
      return trace;
    },
    status() {
      const [status] = pool.status();
      if (status === undefined) throw new Error('the pool has no host');
      return status;
    },
  };
}

export interface PoolScene extends OpenPool {
  readonly authority: Authority;
  readonly upstream: Upstream;
  /** The connections to the upstream, in the order in which they were made. */
  readonly connections: readonly UpstreamConnection[];
}

/** Answers every request with 200. */
export function answerOk(connection: UpstreamConnection): void {
  onRequest(connection, () => connection.socket.write(OK));
}

/** A pool before an upstream of its own; both end with the test. */
export async function setPoolScene(
  options: OpenPoolOptions = {},
  script: (connection: UpstreamConnection) => void = answerOk,
  tls: TlsOptions = {},
): Promise<PoolScene> {
  const authority = await createAuthority();
  const connections: UpstreamConnection[] = [];
  const accept = (connection: UpstreamConnection) => {
    connections.push(connection);
    script(connection);
  };
  const upstream = await startUpstream(authority, accept, tls);
  onTestFinished(() => upstream.close());
  return { authority, upstream, connections, ...(await openPool(authority, `localhost:${upstream.port}`, options)) };
}
