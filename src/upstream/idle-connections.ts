import type { Connection, ConnectionState } from './connection.ts';
import { IdleLimit, type Kind, keepAliveHint, MEMORY_MS, SHORTEST_USEFUL_MS } from './idle-limit.ts';

/** At this share of its idle limit a connection no longer counts as warm: its successor is made before it goes. */
const RENEW_AT = 0.75;

/** A connection that is cut so soon after its hand-over was cut for what it had been before. */
const CUT_AT_USE_MS = 1_000;

/**
 * The connections to one host that have no call: which one the next call gets, and how long they may rest. Times are
 * milliseconds of `performance.now()`.
 */
export class IdleConnections {
  /** Used from the end, newest first, so that surplus ones grow old at the front and go. */
  readonly #idle: Connection[] = [];
  readonly #limit: IdleLimit;

  /** @param settingMs the longest rest, whatever the peer would allow */
  constructor(settingMs: number) {
    this.#limit = new IdleLimit(settingMs);
  }

  /** The longest rest for connections of this kind. */
  limitMs(kind: Kind, nowMs: number): number {
    return this.#limit.limitMs(kind, nowMs);
  }

  /** Takes out the newest one that is fit for a call, and drops what is not on the way there. */
  take(nowMs: number): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      const restedMs = nowMs - connection.idleSinceMs;
      if (restedMs < this.#limit.limitMs(connection.kind, nowMs) && connection.usable) return connection;
      connection.drop();
    }
    return undefined;
  }

  /**
   * Keeps a connection for the next call, or drops it where the limit is too short for that.
   *
   * @param sinceMs when its rest began
   * @returns when to {@link sweep} for it; never, if it was dropped
   */
  keep(connection: Connection, sinceMs: number, nowMs: number): number {
    const limitMs = this.#limit.limitMs(connection.kind, nowMs);
    if (limitMs < SHORTEST_USEFUL_MS) {
      connection.drop();
      return Number.POSITIVE_INFINITY;
    }
    connection.release(sinceMs);
    this.#idle.push(connection);
    return sinceMs + limitMs * RENEW_AT;
  }

  /**
   * Drops what is too old.
   *
   * @returns how many do not count as warm any more, and when to sweep again
   */
  sweep(nowMs: number): { readonly spent: number; readonly nextAtMs: number } {
    const limitMs = { used: this.#limit.limitMs('used', nowMs), unused: this.#limit.limitMs('unused', nowMs) };
    // What keeps warm connections away may be a lesson, and lessons are forgotten.
    let nextAtMs = limitMs.unused < SHORTEST_USEFUL_MS ? nowMs + MEMORY_MS : Number.POSITIVE_INFINITY;
    let spent = 0;
    for (const connection of this.#idle) {
      const endAtMs = connection.idleSinceMs + limitMs[connection.kind];
      const renewAtMs = connection.idleSinceMs + limitMs[connection.kind] * RENEW_AT;
      if (nowMs >= renewAtMs || !connection.usable) spent += 1;
      if (nowMs >= endAtMs || !connection.usable) connection.drop();
      else nextAtMs = Math.min(nextAtMs, nowMs >= renewAtMs ? endAtMs : renewAtMs);
    }
    return { spent, nextAtMs };
  }

  /** Forgets a connection that is gone. */
  remove(connection: Connection): void {
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  dropAll(): void {
    for (const connection of this.#idle.splice(0)) connection.drop();
  }

  /** Takes note of what an answer says about the peer's patience. */
  noteHint(rawHeaders: readonly string[]): void {
    const seconds = keepAliveHint(rawHeaders);
    if (seconds !== undefined) this.#limit.hint(seconds);
  }

  /** Takes note that the peer has ended a connection, which was in that state. */
  noteEndByPeer(connection: Connection, was: ConnectionState, nowMs: number): void {
    if (was !== 'busy') {
      this.#limit.peerClosed(connection.kind, nowMs - connection.idleSinceMs, nowMs);
      return;
    }
    // Cut at the very moment of use: the peer's idle time was up. A shorter rest says nothing of its clock, and a later
    // cut has to do with the call.
    const { beforeCall } = connection;
    if (beforeCall === undefined || connection.answer) return;
    if (beforeCall.idleMs < SHORTEST_USEFUL_MS || nowMs - beforeCall.endedAtMs >= CUT_AT_USE_MS) return;
    this.#limit.peerClosed(beforeCall.kind, beforeCall.idleMs, nowMs);
  }
}
