import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A network path to a server on this machine, on which everything takes `delayMs` each way: bytes, ends and resets. */
export async function startRelay(serverPort: number, delayMs: number): Promise<{ readonly port: number }> {
  const open = new Set<Socket>();
  const carry = (from: Socket, to: Socket) => {
    open.add(from);
    const later = (step: () => void) => void setTimeout(step, delayMs);
    from.on('data', (chunk) => later(() => to.write(chunk)));
    from.on('end', () => later(() => to.end()));
    from.on('error', () => later(() => to.resetAndDestroy()));
    from.on('close', () => open.delete(from));
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const onward = connect({ port: serverPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    carry(client, onward);
    carry(onward, client);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  // A TCP server's address is one.
  return { port: (server.address() as AddressInfo).port };
}
