import type { ClientRequest } from 'node:http';
import type { UpstreamHost } from '../config.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { ErrorCode } from '../errors.ts';
import { Connection, type ConnectionEvents, type ConnectionState } from './connection.ts';
import { type Failure, failureCode } from './failure.ts';
import { IdleLimit, keepAliveHint, MEMORY_MS, SHORTEST_USEFUL_MS } from './idle-limit.ts';
import type { PoolOptions } from './pool.ts';
import type { Trace } from './trace.ts';
import { Warmth } from './warmth.ts';

/** A connection that was idle for longer is looked at once more, one full turn of the event loop later. */
const SURELY_FRESH_MS = 5;

/** A connection that is cut so soon after its hand-over was cut for what it had been before. */
const CUT_AT_USE_MS = 1_000;

/** At this share of its idle limit a connection no longer counts as warm: its successor is made before it goes. */
const RENEW_AT = 0.75;

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
  /** Used from the end, newest first, so that surplus ones grow old at the front and go. */
  readonly #idle: Connection[] = [];
  /** The call for which a connection is being made; one that is to be kept warm has none. */
  readonly #waiting = new Map<Connection, Waiting>();
  readonly #idleLimit: IdleLimit;
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
    this.#idleLimit = new IdleLimit(options.idleTimeoutMs);
    this.#warmth = new Warmth(options.warmConnections, () => this.look());
  }

  /** Gives the request a connection, an idle one or one that is made for it, or an error. */
  serve(waiting: Waiting): void {
    const connection = this.#takeIdle();
    if (connection === undefined) {
      const opening = this.#open();
      waiting.trace.opening = opening;
      this.#waiting.set(opening, waiting);
    } else if (performance.now() - connection.idleSinceMs <= SURELY_FRESH_MS) {
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
    clearTimeout(this.#lookTimer);
    this.#lookAtMs = Number.POSITIVE_INFINITY;
    const nowMs = performance.now();
    let warm = 0;
    for (const connection of this.#connections) {
      if (!this.#isCurrent(connection)) continue;
      const age = this.#ageOf(connection, nowMs);
      if (age >= 1) connection.drop();
      else if (age < RENEW_AT) warm += 1;
    }
    if (this.#idleLimit.limitMs('unused', nowMs) < SHORTEST_USEFUL_MS) this.#lookAt(nowMs + MEMORY_MS, nowMs);
    else for (; warm < this.#warmth.wanted; warm += 1) this.#open();
    for (const connection of this.#idle) if (connection.usable) this.#lookInTime(connection, nowMs);
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
        used: Math.round(this.#idleLimit.limitMs('used', nowMs)),
        unused: Math.round(this.#idleLimit.limitMs('unused', nowMs)),
      },
      lastHandshake: this.#lastHandshake,
    };
  }

  onReady(connection: Connection): void {
    this.#note('ok');
    const waiting = this.#waiting.get(connection);
    this.#waiting.delete(connection);
    if (waiting === undefined) {
      this.#keep(connection);
    } else if (waiting.request.destroyed) {
      this.#keep(connection);
      refuse(waiting.request, new Error('The request was destroyed before it had a connection'));
    } else {
      this.#handOver(connection, waiting, false);
    }
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
    const hintSeconds = keepAliveHint(connection.answer?.rawHeaders ?? []);
    if (hintSeconds !== undefined) this.#idleLimit.hint(hintSeconds);
    this.#keep(connection);
  }

  onClosed(connection: Connection, was: ConnectionState): void {
    this.#connections.delete(connection);
    const nowMs = performance.now();
    const unused = connection.kind === 'unused';
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    if (connection.endedByPeer) this.#learnFrom(connection, was, nowMs);
    this.#warmth.ended(nowMs - connection.readyAtMs, unused && connection.endedByPeer);
    if (this.#isCurrent(connection)) this.look();
  }

  #open(): Connection {
    const connection = new Connection(this.host, this.#credentials, this.#options, this);
    this.#connections.add(connection);
    return connection;
  }

  #takeIdle(): Connection | undefined {
    const nowMs = performance.now();
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (this.#ageOf(connection, nowMs) < 1 && connection.usable) return connection;
      connection.drop();
    }
    return undefined;
  }

  #lookAgain(connection: Connection, waiting: Waiting): void {
    if (!connection.usable) {
      connection.drop();
      this.serve(waiting);
    } else if (waiting.request.destroyed) {
      this.#keep(connection);
      refuse(waiting.request, new Error('The request was destroyed before it had a connection'));
    } else {
      this.#handOver(connection, waiting, true);
    }
  }

  #handOver(connection: Connection, { request, trace }: Waiting, reused: boolean): void {
    trace.reused = reused;
    request.reusedSocket = reused;
    connection.handOver(request, trace);
  }

  /** Puts a connection that nobody needs now where the next call finds it, if it is fit for that. */
  #keep(connection: Connection): void {
    const nowMs = performance.now();
    const limitMs = this.#idleLimit.limitMs(connection.kind, nowMs);
    if (!this.#isCurrent(connection) || limitMs < SHORTEST_USEFUL_MS) {
      connection.drop();
      return;
    }
    connection.release(nowMs);
    this.#idle.push(connection);
    this.#lookInTime(connection, nowMs);
  }

  /** How much of its idle limit a connection has used up: 0 while it has work, 1 when it must go. */
  #ageOf(connection: Connection, nowMs: number): number {
    if (connection.state !== 'idle') return 0;
    return (nowMs - connection.idleSinceMs) / this.#idleLimit.limitMs(connection.kind, nowMs);
  }

  #isCurrent(connection: Connection): boolean {
    return !this.#closing && connection.credentials === this.#credentials;
  }

  /** Drops every connection that has no call. */
  #dropSpare(): void {
    for (const connection of this.#connections) {
      if (connection.state === 'idle') connection.drop();
      if (connection.state === 'opening' && !this.#waiting.has(connection)) connection.drop();
    }
  }

  /** Makes sure that {@link look} runs when this idle connection is to be renewed or dropped. */
  #lookInTime(connection: Connection, nowMs: number): void {
    const limitMs = this.#idleLimit.limitMs(connection.kind, nowMs);
    const renewAtMs = connection.idleSinceMs + limitMs * RENEW_AT;
    this.#lookAt(renewAtMs > nowMs ? renewAtMs : connection.idleSinceMs + limitMs, nowMs);
  }

  #lookAt(atMs: number, nowMs: number): void {
    if (atMs >= this.#lookAtMs) return;
    clearTimeout(this.#lookTimer);
    this.#lookAtMs = atMs;
    this.#lookTimer = setTimeout(() => this.look(), Math.max(1, atMs - nowMs)).unref();
  }

  #learnFrom(connection: Connection, was: ConnectionState, nowMs: number): void {
    if (was !== 'busy') {
      this.#idleLimit.peerClosed(connection.kind, nowMs - connection.idleSinceMs, nowMs);
      return;
    }
    // Cut at the very moment of use: the peer's idle time was up. A shorter rest says nothing of its clock, and a later
    // cut has to do with the call.
    const { beforeCall } = connection;
    if (beforeCall === undefined || connection.answer) return;
    if (beforeCall.idleMs < SHORTEST_USEFUL_MS || nowMs - beforeCall.endedAtMs >= CUT_AT_USE_MS) return;
    this.#idleLimit.peerClosed(beforeCall.kind, beforeCall.idleMs, nowMs);
  }

  #note(result: 'ok' | ErrorCode, failure?: Failure): void {
    const summary = result === 'ok' ? 'handshake completed' : result;
    const isNews = this.#lastHandshake?.result !== summary;
    this.#lastHandshake = { at: new Date().toISOString(), result: summary };
    this.#options.observer?.onHandshake(this.host, result, isNews, failure);
  }
}

/** Ends a request that gets no connection, as Node's own agent does it: the error comes in place of the socket. */
function refuse(request: ClientRequest, error: Failure): void {
  // The second parameter is part of the contract between Node's client and its agents, but not of the public types.
  (request as unknown as { onSocket(socket: null, error: Failure): void }).onSocket(null, error);
}
