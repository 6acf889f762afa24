import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface TcpUpstream {
  readonly port: number;
  /** How many connections have been accepted. */
  readonly connections: number;
  close(): Promise<void>;
}

/** What listens where a payment API should, and is not one: `script` gets each TCP connection. */
export async function startTcpUpstream(script: (socket: Socket, index: number) => void): Promise<TcpUpstream> {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    script(socket, connections);
    connections += 1;
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
