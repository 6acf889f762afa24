import type { ClientRequest } from 'node:http';
import type { UpstreamHost } from '../config.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { ErrorCode } from '../errors.ts';
import { Connection, type ConnectionEvents, type ConnectionState } from './connection.ts';
import { type Failure, failureCode } from './failure.ts';
import { IdleConnections } from './idle-connections.ts';
import { SHORTEST_USEFUL_MS } from './idle-limit.ts';
import type { PoolOptions } from './pool.ts';
import type { Trace } from './trace.ts';
import { Warmth } from './warmth.ts';

/** A connection that was idle for longer is looked at once more, one full turn of the event loop later. */
const SURELY_FRESH_MS = 5;

interface Waiting {
  readonly request: ClientRequest;
  readonly trace: Trace;
}

interface LastHandshake {
  /** ISO 8601. */
  readonly at: string;
  /** "Completed" is not "accepted": a server may still refuse our certificate with an HTTP answer, as nginx does. */
  readonly result: 'handshake completed' | ErrorCode;
}

/** The state of the connections to one host, for a person to read. */
export interface LaneStatus {
  readonly host: string;
  readonly idle: number;
  readonly busy: number;
  readonly opening: number;
  /** The longest idle time in ms, for connections that calls have used and for those that none has. */
  readonly idleLimitMs: { readonly used: number; readonly unused: number };
  readonly lastHandshake: LastHandshake | undefined;
}

/** The connections to one host. */
export class Lane implements ConnectionEvents {
  readonly host: UpstreamHost;
  readonly #options: PoolOptions;
  readonly #connections = new Set<Connection>();
  readonly #idle: IdleConnections;
  /** The call for which a connection is being made; one that is to be kept warm has none. */
  readonly #waiting = new Map<Connection, Waiting>();
  readonly #warmth: Warmth;
  #credentials: Credentials;
  #closing = false;
  #lookTimer: NodeJS.Timeout | undefined;
  #lookAtMs = Number.POSITIVE_INFINITY;
  #lastHandshake: LastHandshake | undefined;

  constructor(host: UpstreamHost, credentials: Credentials, options: PoolOptions) {
    this.host = host;
    this.#credentials = credentials;
    this.#options = options;
    this.#idle = new IdleConnections(options.idleTimeoutMs);
    this.#warmth = new Warmth(options.warmConnections, () => this.look());
  }

  /** Gives the request a connection, an idle one or one that is made for it, or an error. */
  serve(waiting: Waiting): void {
    const nowMs = performance.now();
    const connection = this.#idle.take(nowMs);
    if (connection === undefined) {
      const opening = this.#open();
      waiting.trace.opening = opening;
      this.#waiting.set(opening, waiting);
    } else if (nowMs - connection.idleSinceMs <= SURELY_FRESH_MS) {
      this.#handOver(connection, waiting, true);
    } else {
      // An end or a reset may already wait in the kernel. This turn of the event loop asked before the call came, so
      // one immediate is too soon: after the second, the next turn has asked again.
      connection.state = 'taken';
      setImmediate(() => setImmediate(() => this.#lookAgain(connection, waiting)));
    }
  }

  /** Drops what is too old, opens what is missing, and sees to it that it is called again in time. */
  look(): void {
    if (this.#closing) return;
    const nowMs = performance.now();
    const { spent, nextAtMs } = this.#idle.sweep(nowMs);
    if (this.#idle.limitMs('unused', nowMs) >= SHORTEST_USEFUL_MS) {
      const current = [...this.#connections].filter((connection) => this.#isCurrent(connection));
      for (let warm = current.length - spent; warm < this.#warmth.wanted; warm += 1) this.#open();
    }
    clearTimeout(this.#lookTimer);
    this.#lookAtMs = Number.POSITIVE_INFINITY;
    this.#lookAt(nextAtMs, nowMs);
  }

  adopt(credentials: Credentials): void {
    this.#credentials = credentials;
    this.#dropSpare();
    this.#warmth.restart();
    this.look();
  }

  close(): void {
    this.#closing = true;
    this.#warmth.stop();
    clearTimeout(this.#lookTimer);
    this.#dropSpare();
  }

  status(): LaneStatus {
    const nowMs = performance.now();
    const count = (state: ConnectionState) => [...this.#connections].filter((one) => one.state === state).length;
    return {
      host: this.host.label,
      idle: count('idle'),
      busy: count('busy') + count('taken'),
      opening: count('opening'),
      idleLimitMs: {
        used: Math.round(this.#idle.limitMs('used', nowMs)),
        unused: Math.round(this.#idle.limitMs('unused', nowMs)),
      },
      lastHandshake: this.#lastHandshake,
    };
  }

  onReady(connection: Connection): void {
    this.#note('ok');
    const waiting = this.#waiting.get(connection);
    this.#waiting.delete(connection);
    if (waiting !== undefined && !waiting.request.destroyed) {
      this.#handOver(connection, waiting, false);
      return;
    }
    this.#keep(connection);
    if (waiting !== undefined) refuseDestroyed(waiting.request);
  }

  onFailed(connection: Connection, failure: Failure): void {
    this.#connections.delete(connection);
    const waiting = this.#waiting.get(connection);
    this.#waiting.delete(connection);
    // It was dropped by us: the credentials are new, or the service is closing.
    if (waiting === undefined && !this.#isCurrent(connection)) return;
    this.#note(failureCode(connection.phase, failure), failure);
    if (waiting === undefined) {
      this.#warmth.failed();
      return;
    }
    refuse(waiting.request, failure);
    // It may have counted as a warm connection, which is missing now.
    this.look();
  }

  onFree(connection: Connection): void {
    this.#idle.noteHint(connection.answer?.rawHeaders ?? []);
    this.#keep(connection);
  }

  onClosed(connection: Connection, was: ConnectionState): void {
    this.#connections.delete(connection);
    const nowMs = performance.now();
    const unused = connection.kind === 'unused';
    this.#idle.remove(connection);
    if (connection.endedByPeer) this.#idle.noteEndByPeer(connection, was, nowMs);
    this.#warmth.ended(nowMs - connection.readyAtMs, unused && connection.endedByPeer);
    if (this.#isCurrent(connection)) this.look();
  }

  #open(): Connection {
    const connection = new Connection(this.host, this.#credentials, this.#options, this);
    this.#connections.add(connection);
    return connection;
  }

  #lookAgain(connection: Connection, waiting: Waiting): void {
    const { usable } = connection;
    const isWanted = !waiting.request.destroyed;
    if (usable && isWanted) {
      this.#handOver(connection, waiting, true);
      return;
    }
    if (usable) this.#keep(connection);
    else connection.drop();
    if (isWanted) this.serve(waiting);
    else refuseDestroyed(waiting.request);
  }

  #handOver(connection: Connection, { request, trace }: Waiting, reused: boolean): void {
    trace.reused = reused;
    request.reusedSocket = reused;
    connection.handOver(request, trace);
  }

  /** Puts a connection that nobody needs now where the next call finds it, if it is fit for that. */
  #keep(connection: Connection): void {
    const nowMs = performance.now();
    if (this.#isCurrent(connection)) this.#lookAt(this.#idle.keep(connection, nowMs), nowMs);
    else connection.drop();
  }

  #isCurrent(connection: Connection): boolean {
    return !this.#closing && connection.credentials === this.#credentials;
  }

  /** Drops every connection that has no call. */
  #dropSpare(): void {
    this.#idle.dropAll();
    for (const connection of this.#connections) {
      if (connection.state === 'opening' && !this.#waiting.has(connection)) connection.drop();
    }
  }

  /** Makes sure that {@link look} runs at that time, if not before. */
  #lookAt(atMs: number, nowMs: number): void {
    if (atMs >= this.#lookAtMs) return;
    clearTimeout(this.#lookTimer);
    this.#lookAtMs = atMs;
    this.#lookTimer = setTimeout(() => this.look(), Math.max(1, atMs - nowMs)).unref();
  }

  #note(result: 'ok' | ErrorCode, failure?: Failure): void {
    const summary = result === 'ok' ? 'handshake completed' : result;
    const isNews = this.#lastHandshake?.result !== summary;
    this.#lastHandshake = { at: new Date().toISOString(), result: summary };
    this.#options.observer?.onHandshake(this.host, result, isNews, failure);
  }
}

/** Without this word, a request that was destroyed before it had a connection would never say that it is over. */
function refuseDestroyed(request: ClientRequest): void {
  refuse(request, new Error('The request was destroyed before it had a connection'));
}

/** Ends a request that gets no connection, as Node's own agent does it: the error comes in place of the socket. */
function refuse(request: ClientRequest, error: Failure): void {
  // The second parameter is part of the contract between Node's client and its agents, but not of the public types.
  (request as unknown as { onSocket(socket: null, error: Failure): void }).onSocket(null, error);
}
