import type { UpstreamHost } from '../config.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { Alarm } from './alarm.ts';
import { Connection, type ConnectionEvents, type ConnectionState } from './connection.ts';
import { type Failure, failureCode } from './failure.ts';
import { IdleConnections } from './idle-connections.ts';
import { SHORTEST_USEFUL_MS } from './idle-limit.ts';
import { type LaneStatus, laneStatus } from './lane-status.ts';
import { type HandshakeResult, LastHandshake } from './last-handshake.ts';
import type { PoolOptions } from './pool.ts';
import { refuse, refuseDestroyed, type WaitingCall } from './waiting-call.ts';
import { Warmth } from './warmth.ts';

/** A connection that was idle for longer is looked at once more, one full turn of the event loop later. */
const SURELY_FRESH_MS = 5;

/** The connections to one host. */
export class Lane implements ConnectionEvents {
  readonly host: UpstreamHost;
  readonly #options: PoolOptions;
  readonly #connections = new Set<Connection>();
  readonly #idle: IdleConnections;
  /** The call for which a connection is being made; one that is to be kept warm has none. */
  readonly #waiting = new Map<Connection, WaitingCall>();
  readonly #warmth: Warmth;
  readonly #nextLook = new Alarm(() => this.look());
  readonly #lastHandshake = new LastHandshake();
  #credentials: Credentials;
  #closing = false;

  constructor(host: UpstreamHost, credentials: Credentials, options: PoolOptions) {
    this.host = host;
    this.#credentials = credentials;
    this.#options = options;
    this.#idle = new IdleConnections(options.idleTimeoutMs);
    this.#warmth = new Warmth(options.warmConnections, () => this.look());
  }

  /** Gives the request a connection, an idle one or one that is made for it, or an error. */
  serve(waiting: WaitingCall): void {
    const nowMs = performance.now();
    const connection = this.#idle.take(nowMs);
    if (connection === undefined) {
      const opening = this.#open();
      waiting.trace.opening = opening;
      this.#waiting.set(opening, waiting);
      return;
    }
    connection.state = 'taken';
    // Requests leave together when this turn of the event loop has read all that had come, as answers do (forward.ts).
    const look = () => this.#lookAgain(connection, waiting);
    if (nowMs - connection.idleSinceMs <= SURELY_FRESH_MS) {
      setImmediate(look);
    } else {
      // An end or a reset may already wait in the kernel. This turn asked before the call came, so one immediate is too
      // soon: after the second, the next turn has asked again.
      setImmediate(() => setImmediate(look));
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
    this.#nextLook.clear();
    this.#nextLook.setFor(nextAtMs, nowMs);
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
    this.#nextLook.clear();
    this.#dropSpare();
  }

  status(): LaneStatus {
    return laneStatus(this.host, this.#connections, this.#idle, this.#lastHandshake.report);
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
    if (waiting !== undefined) refuseDestroyed(waiting);
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
    refuse(waiting, failure);
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

  #lookAgain(connection: Connection, waiting: WaitingCall): void {
    const { usable } = connection;
    const isWanted = !waiting.request.destroyed;
    if (usable && isWanted) {
      this.#handOver(connection, waiting, true);
      return;
    }
    // It has rested on: nothing was sent.
    if (usable) this.#keep(connection, connection.idleSinceMs);
    else connection.drop();
    if (isWanted) this.serve(waiting);
    else refuseDestroyed(waiting);
  }

  #handOver(connection: Connection, { request, trace }: WaitingCall, reused: boolean): void {
    trace.reused = reused;
    request.reusedSocket = reused;
    connection.handOver(request, trace);
  }

  /** Puts a connection that nobody needs now where the next call finds it, if it is fit for that. */
  #keep(connection: Connection, sinceMs = performance.now()): void {
    const nowMs = performance.now();
    if (this.#isCurrent(connection)) this.#nextLook.setFor(this.#idle.keep(connection, sinceMs, nowMs), nowMs);
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

  #note(result: HandshakeResult, failure?: Failure): void {
    const isNews = this.#lastHandshake.note(result);
    this.#options.observer?.onHandshake(this.host, result, isNews, failure);
  }
}
