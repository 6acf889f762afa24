import type { UpstreamHost } from '../config.ts';
import type { Connection, ConnectionState } from './connection.ts';
import type { IdleConnections } from './idle-connections.ts';
import type { HandshakeReport } from './last-handshake.ts';

/** The state of the connections to one host, for a person to read. */
export interface LaneStatus {
  readonly host: string;
  readonly idle: number;
  readonly busy: number;
  readonly opening: number;
  /** The longest idle time in ms, for connections that calls have used and for those that none has. */
  readonly idleLimitMs: { readonly used: number; readonly unused: number };
  readonly lastHandshake: HandshakeReport | undefined;
}

/**
 * Sums up what a lane has now. A connection that is taken for a call counts as busy.
 *
 * @param connections all that are not closed
 */
export function laneStatus(
  host: UpstreamHost,
  connections: Iterable<Connection>,
  idle: IdleConnections,
  lastHandshake: HandshakeReport | undefined,
): LaneStatus {
  const nowMs = performance.now();
  const states = Array.from(connections, ({ state }) => state);
  const count = (wanted: ConnectionState) => states.filter((state) => state === wanted).length;
  return {
    host: host.label,
    idle: count('idle'),
    busy: count('busy') + count('taken'),
    opening: count('opening'),
    idleLimitMs: {
      used: Math.round(idle.limitMs('used', nowMs)),
      unused: Math.round(idle.limitMs('unused', nowMs)),
    },
    lastHandshake,
  };
}
