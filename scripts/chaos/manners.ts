import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Line } from './line.ts';
import type { Random } from './random.ts';

/** What the hosts are like: no idle connection is closed; handshakes go wrong too; idle connections are closed too. */
export type Temperament = 'steady' | 'rough' | 'restless';

/** How a server's TLS is set up; see `tls.ts`. */
export type TlsKind = 'tickets' | 'noTickets' | 'tls12' | 'refusing' | 'refusing12' | 'impostor';

/** What it takes to begin a connection. */
export interface Arrival {
  readonly tcp: Socket;
  readonly random: Random;
  /** Begins the TLS handshake. */
  begin(kind: TlsKind): TLSSocket;
}

interface Rest {
  /** At the latest. */
  readonly withinMs: number;
  readonly does: (line: Line) => unknown;
}

/** One way in which a server treats a connection. */
export interface Manner {
  /** How often, compared with the others, at hosts of each kind. */
  readonly weight: Partial<Record<Temperament, number>>;
  readonly open: (arrival: Arrival) => unknown;
  /** What happens to it before its first request. */
  readonly whenUnused?: Rest;
  /** What happens to it after each answer, and before its first request unless `whenUnused` says otherwise. */
  readonly whenIdle?: Rest;
}

const begin =
  (kind: TlsKind) =>
  ({ begin }: Arrival) =>
    begin(kind);

const beginAnyhow = ({ begin, random }: Arrival) => begin(random.pick(['tickets', 'noTickets', 'tls12']));

const end = (line: Line) => line.end();
const cut = (line: Line) => line.cut();
const reset = (line: Line) => line.reset();

const STRAY_408 = 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** Everything that we know a server to do with a connection, before and between requests. */
export const MANNERS = {
  'TLS 1.3': { weight: { steady: 40, rough: 30, restless: 10 }, open: begin('tickets') },
  'TLS 1.3 without tickets': { weight: { steady: 20, rough: 15, restless: 5 }, open: begin('noTickets') },
  'TLS 1.2': { weight: { steady: 20, rough: 15, restless: 5 }, open: begin('tls12') },
  'a slow handshake': {
    weight: { steady: 3, rough: 5 },
    open: ({ begin, random }) => setTimeout(() => begin('tickets'), random.between(1, 60)),
  },
  'reset on accept': { weight: { rough: 4 }, open: ({ tcp }) => tcp.resetAndDestroy() },
  'end on accept': { weight: { rough: 4 }, open: ({ tcp }) => tcp.resume().end() },
  'silence on accept': { weight: { rough: 1 }, open: ({ tcp }) => tcp.resume() },
  'plain HTTP': { weight: { rough: 3 }, open: ({ tcp }) => tcp.resume().end(STRAY_408) },
  'reset on the hello': {
    weight: { rough: 4 },
    open: ({ tcp }) => tcp.once('data', () => tcp.resetAndDestroy()).resume(),
  },
  'reset within the handshake': {
    weight: { rough: 6 },
    open: ({ tcp, begin, random }) => {
      const timer = setTimeout(() => tcp.resetAndDestroy(), random.between(0, 6));
      begin(random.pick(['tickets', 'noTickets', 'tls12'])).once('secure', () => clearTimeout(timer));
    },
  },
  'our certificate refused': {
    weight: { rough: 8 },
    open: ({ begin, random }) => begin(random.pick(['refusing', 'refusing', 'refusing12'])),
  },
  'an impostor': { weight: { rough: 3 }, open: begin('impostor') },
  'reset after the handshake': {
    weight: { rough: 8, restless: 5 },
    open: beginAnyhow,
    whenUnused: { withinMs: 8, does: reset },
  },
  'end after the handshake': {
    weight: { rough: 6, restless: 5 },
    open: beginAnyhow,
    whenUnused: { withinMs: 8, does: end },
  },
  'end when idle': { weight: { restless: 25 }, open: beginAnyhow, whenIdle: { withinMs: 60, does: end } },
  'cut when idle': { weight: { restless: 15 }, open: beginAnyhow, whenIdle: { withinMs: 60, does: cut } },
  'reset when idle': { weight: { restless: 15 }, open: beginAnyhow, whenIdle: { withinMs: 60, does: reset } },
  'a stray 408 when idle': {
    weight: { restless: 10 },
    open: beginAnyhow,
    whenIdle: { withinMs: 200, does: (line) => line.stray(STRAY_408) },
  },
  'a stray 408, then an end': {
    weight: { restless: 15 },
    open: beginAnyhow,
    whenIdle: {
      withinMs: 60,
      does: (line) => {
        void line.stray(STRAY_408);
        line.end();
      },
    },
  },
} as const satisfies Record<string, Manner>;

export type MannerName = keyof typeof MANNERS;
