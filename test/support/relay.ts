import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { Authority } from '../../scripts/pki.ts';
import { startUpstream, type Upstream, type UpstreamConnection } from './upstream.ts';

/** One connection through a relay: the client's, and the one to the server behind. */
interface Passage {
  readonly client: Socket;
  readonly server: Socket;
  /** How many pieces the client has sent before this one; the first is its ClientHello. */
  readonly piecesBefore: number;
}

interface Relay {
  readonly port: number;
  close(): Promise<void>;
}

interface RelayScript {
  /** Gets each piece that the client sends. Default: it is passed on. */
  readonly onClient?: (piece: Buffer, passage: Passage) => void;
  /** Gets each piece that the server sends. Default: it is passed on. */
  readonly onServer?: (piece: Buffer, passage: Passage) => void;
}

/** A wire before a server on localhost, which can be cut, held up and overheard; it sees TLS records, never inside. */
async function startRelay(serverPort: number, script: RelayScript): Promise<Relay> {
  const open = new Set<Socket>();
  const relay = createServer((client) => {
    const server = connect(serverPort, 'localhost');
    let pieces = 0;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => other.resetAndDestroy());
      socket.on('end', () => other.end());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (piece) => {
      const passage = { client, server, piecesBefore: pieces };
      pieces += 1;
      if (script.onClient === undefined) server.write(piece);
      else script.onClient(piece, passage);
    });
    server.on('data', (piece) => {
      if (script.onServer === undefined) client.write(piece);
      else script.onServer(piece, { client, server, piecesBefore: pieces });
    });
  });
  relay.listen(0, 'localhost');
  await once(relay, 'listening');
  return {
    port: (relay.address() as AddressInfo).port,
    close: async () => {
      for (const socket of open) socket.destroy();
      relay.close();
      await once(relay, 'close');
    },
  };
}

/** A scripted upstream that is reached through a relay only. */
export async function startRelayedUpstream(
  authority: Authority,
  serve: (connection: UpstreamConnection) => void,
  script: RelayScript,
  options?: TlsOptions,
): Promise<Upstream> {
  const behind = await startUpstream(authority, serve, options);
  const relay = await startRelay(behind.port, script);
  return {
    port: relay.port,
    get connections() {
      return behind.connections;
    },
    get received() {
      return behind.received;
    },
    close: async () => {
      await relay.close();
      await behind.close();
    },
  };
}
