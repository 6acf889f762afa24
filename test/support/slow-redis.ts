import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a client's library asks of its own accord is answered so. */
const OK = '+OK\r\n';

export interface SlowRedis {
  readonly url: string;
  /** Resolves when a call has been asked for; it is answered with its count when the test calls what came. */
  asked(): Promise<(count: number) => void>;
}

/** A Redis that answers what is to be counted when the test says so, until the test ends. */
export async function startSlowRedis(): Promise<SlowRedis> {
  const arrived: ((count: number) => void)[] = [];
  const waiting: ((reply: (count: number) => void) => void)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      // Each command comes as `*` and the number of its words; no word of ours begins a line so.
      for (const command of chunk.toString('latin1').split(/^(?=\*\d)/m)) {
        if (/\bSCRIPT\b/.test(command)) socket.write('$3\r\nsha\r\n');
        else if (/\bEVALSHA\b/.test(command)) {
          const reply = (count: number) => socket.write(`*2\r\n:${count}\r\n:60000\r\n`);
          const next = waiting.shift();
          if (next === undefined) arrived.push(reply);
          else next(reply);
        } else socket.write(OK);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `redis://127.0.0.1:${port}`,
    asked: () =>
      new Promise((resolve) => {
        const reply = arrived.shift();
        if (reply === undefined) waiting.push(resolve);
        else resolve(reply);
      }),
  };
}
