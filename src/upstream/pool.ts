import type { ClientRequest } from 'node:http';
import type { LookupFunction } from 'node:net';
import type { UpstreamHost } from '../config.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { Failure } from './failure.ts';
import { Lane } from './lane.ts';
import type { LaneStatus } from './lane-status.ts';
import type { HandshakeResult } from './last-handshake.ts';
import type { Trace } from './trace.ts';

/** What a pool tells as it happens. */
interface PoolObserver {
  /**
   * A handshake, for a call or to keep a connection warm, has ended.
   * @param isNews whether this host's handshake before it ended otherwise
   */
  onHandshake(host: UpstreamHost, result: HandshakeResult, isNews: boolean, failure?: Failure): void;
}

export interface PoolOptions {
  readonly hosts: readonly UpstreamHost[];
  readonly connectTimeoutMs: number;
  /** The longest time that a connection may be idle and still be used. */
  readonly idleTimeoutMs: number;
  /** Connections per host that are held open although nobody calls. */
  readonly warmConnections: number;
  readonly observer?: PoolObserver;
  /** Replaces the system's name look-up. */
  readonly lookup?: LookupFunction;
}

/** What a request must carry in its options to be served by a {@link ConnectionPool}. */
export interface PooledOptions {
  readonly upstream: UpstreamHost;
  readonly trace: Trace;
}

/**
 * The agent that hands `https.request` its TLS connections (design §4). One connection per call in flight, no queue,
 * and each handed over only when nothing more can be learned about it without sending.
 *
 * It is written against the part of `http.Agent` that `http.ClientRequest` uses, which is the same in Node 20 to 26:
 * `addRequest`, `keepAlive`, `protocol`, `defaultPort`, and the socket's event `free`.
 */
export class ConnectionPool {
  /** Without it every request would say `Connection: close`. */
  readonly keepAlive = true;
  readonly protocol = 'https:';
  readonly defaultPort = 443;
  readonly #lanes: ReadonlyMap<UpstreamHost, Lane>;

  constructor(credentials: Credentials, options: PoolOptions) {
    this.#lanes = new Map(options.hosts.map((host) => [host, new Lane(host, credentials, options)]));
  }

  /** Opens the warm connections and keeps them; returns at once. */
  keepWarm(): void {
    for (const lane of this.#lanes.values()) lane.look();
  }

  /**
   * Begins a new generation: from now on connections are made with these credentials. Calls in flight finish on the
   * connection that they have.
   */
  adopt(credentials: Credentials): void {
    for (const lane of this.#lanes.values()) lane.adopt(credentials);
  }

  /** Called by `http.ClientRequest` in its constructor. */
  addRequest(request: ClientRequest, options: PooledOptions): void {
    const lane = this.#lanes.get(options.upstream);
    if (lane === undefined) throw new TypeError('The pool serves the hosts that it was made for, and no other');
    lane.serve({ request, trace: options.trace });
  }

  status(): LaneStatus[] {
    return Array.from(this.#lanes.values(), (lane) => lane.status());
  }

  /** Closes idle connections and opens no more warm ones; calls in flight finish, and new ones are still served. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.close();
  }
}
