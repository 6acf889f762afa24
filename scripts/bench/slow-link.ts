import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire with a delay, before a server on this machine. */
export interface SlowLink {
  readonly port: number;
  close(): void;
}

/** A timer may be late by a millisecond, so the last of them are watched closely. */
const WATCHED_MS = 2;

/**
 * Opens a link that every byte takes this long to pass, each way. The kernel accepts a connection at once, so the round
 * trip that this would take is added before the first byte.
 */
export async function openSlowLink(serverPort: number, oneWayMs: number): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  const relay = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: serverPort, host: '127.0.0.1', noDelay: true });
    carry(client, server, oneWayMs, performance.now() + 2 * oneWayMs);
    carry(server, client, oneWayMs, 0);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const close = () => {
    relay.close();
    for (const socket of sockets) socket.destroy();
  };
  // A server that listens on a port has an address of this kind.
  return { port: (relay.address() as AddressInfo).port, close };
}

/** Hands each piece on when it is due; a pause in the delay of one keeps those behind it waiting. */
function carry(from: Socket, to: Socket, delayMs: number, openAtMs: number): void {
  const underWay: { readonly dueAtMs: number; readonly arrive: () => void }[] = [];
  const look = () => {
    for (let next = underWay[0]; next !== undefined; next = underWay[0]) {
      const leftMs = next.dueAtMs - performance.now();
      if (leftMs > WATCHED_MS) setTimeout(look, leftMs - WATCHED_MS);
      else if (leftMs > 0) setImmediate(look);
      if (leftMs > 0) return;
      underWay.shift();
      next.arrive();
    }
  };
  const send = (arrive: () => void) => {
    underWay.push({ dueAtMs: Math.max(performance.now(), openAtMs) + delayMs, arrive });
    if (underWay.length === 1) look();
  };
  from.on('data', (piece) => send(() => to.write(piece)));
  from.on('end', () => send(() => to.end()));
  from.on('error', () => send(() => to.destroy()));
}
