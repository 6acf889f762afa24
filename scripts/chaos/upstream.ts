import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Authority } from '../pki.ts';
import { ChaosConnection } from './connection.ts';
import type { Ledger } from './ledger.ts';
import { MANNERS, type Manner, type MannerName, type Temperament, type TlsKind } from './manners.ts';
import type { CallPlan } from './plan.ts';
import { Random } from './random.ts';
import { makeTls, TICKETS } from './tls.ts';

interface UpstreamOptions {
  readonly seed: number;
  readonly authority: Authority;
  readonly ledger: Ledger;
  readonly planOf: (id: number) => CallPlan | undefined;
}

/** A payment API that misbehaves in every way we know, on as many ports as are asked for. */
export interface ChaosUpstream {
  /** @returns the port, on 127.0.0.1 */
  listen(temperament: Temperament): Promise<number>;
  /** TCP connections that are open now. */
  readonly open: number;
  /** How many connections were treated how. */
  readonly manners: ReadonlyMap<MannerName, number>;
  close(): Promise<void>;
}

const SECRET = /^SERVER_TRAFFIC_SECRET_0 [0-9a-f]+ ([0-9a-f]+)/;

export async function startUpstream({ seed, authority, ledger, planOf }: UpstreamOptions): Promise<ChaosUpstream> {
  const tls = await makeTls(authority);
  const servers: Server[] = [];
  const open = new Set<Socket>();
  const manners = new Map<MannerName, number>();
  let connections = 0;

  function onConnection(tcp: Socket, temperament: Temperament): void {
    const random = new Random(seed, 'connection', connections);
    connections += 1;
    const name = random.weighted(WEIGHTS[temperament]);
    open.add(tcp);
    // A reset is news to nobody here.
    tcp.on('error', () => undefined).on('close', () => open.delete(tcp));
    manners.set(name, (manners.get(name) ?? 0) + 1);
    const manner: Manner = MANNERS[name];
    manner.open({ tcp, random, begin: (kind) => handshake(tcp, kind, manner, random) });
  }

  function handshake(tcp: Socket, kind: TlsKind, manner: Manner, random: Random): TLSSocket {
    const socket = new TLSSocket(tcp, tls[kind]);
    let secret: Buffer | undefined;
    socket.on('error', () => tcp.destroy());
    if (kind === 'tickets' || kind === 'noTickets') {
      socket.on('keylog', (line: Buffer) => {
        const hex = SECRET.exec(line.toString('latin1'))?.[1];
        if (hex !== undefined) secret = Buffer.from(hex, 'hex');
      });
    }
    socket.once('secure', () => {
      const tickets = kind === 'tickets' ? TICKETS : 0;
      new ChaosConnection({ socket, tcp, manner, random, ledger, planOf, secret, tickets });
    });
    return socket;
  }

  return {
    async listen(temperament) {
      const server = createServer({ pauseOnConnect: true, noDelay: true }, (tcp) => onConnection(tcp, temperament));
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      if (typeof address !== 'object' || address === null) throw new TypeError('A TCP server has a port');
      return address.port;
    },
    get open() {
      return open.size;
    },
    manners,
    async close() {
      for (const tcp of open) tcp.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

const ALL_MANNERS = Object.entries(MANNERS) as [MannerName, Manner][];

function weightsFor(temperament: Temperament): (readonly [MannerName, number])[] {
  return ALL_MANNERS.map(([name, { weight }]) => [name, weight[temperament] ?? 0] as const);
}

const WEIGHTS = { steady: weightsFor('steady'), rough: weightsFor('rough'), restless: weightsFor('restless') };
