import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP relay that passes every byte on after half a round trip, each way. The TCP handshake itself is local, so a relay
 * holds each new connection for a round trip before the first byte passes, as a far server would.
 */
export async function delayingRelay(toPort: number, roundTripMs: number): Promise<Server> {
  const server = createServer((near) => {
    const far = connect(toPort, '127.0.0.1');
    const openAtMs = performance.now() + roundTripMs;
    passLate(near, far, roundTripMs / 2, openAtMs);
    passLate(far, near, roundTripMs / 2, 0);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function passLate(from: Socket, to: Socket, delayMs: number, notBeforeMs: number): void {
  from.setNoDelay(true);
  const late = (action: () => void) => {
    setTimeout(action, Math.max(delayMs, notBeforeMs + delayMs - performance.now()));
  };
  from.on('data', (chunk) => late(() => to.writable && to.write(chunk)));
  from.on('end', () => late(() => to.end()));
  from.on('error', () => to.destroy());
}
