import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { stopClock } from '../../support/clock.ts';
import { until } from '../../support/event-loop.ts';
import { setPoolScene } from '../../support/pool.ts';
import type { UpstreamConnection } from '../../support/upstream.ts';

test.each([
  ['an end of TLS', ({ socket }: UpstreamConnection) => socket.end()],
  ['an end of TCP', ({ tcp }: UpstreamConnection) => tcp.end()],
  ['a reset', ({ tcp }: UpstreamConnection) => tcp.resetAndDestroy()],
  ['bytes', ({ socket }: UpstreamConnection) => socket.write('?')],
])('an idle connection that meets %s is gone before the next call', async (_, end) => {
  const { call, connections, status } = await setPoolScene();
  await call();
  await until(() => status().idle === 1);

  connections.forEach(end);
  await until(() => status().idle === 0);

  expect(await call()).toMatchObject({ outcome: 'answered', reused: false });
});

/** Runs something as the service runs a call: from the callback of a socket that has been read. */
async function fromReadCallback(run: () => void): Promise<void> {
  const server = createServer((socket) => socket.end('go'));
  onTestFinished(() => {
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise<void>((resolve) => {
    connect(port, '127.0.0.1').on('data', run).on('close', resolve);
  });
}

test.each([
  ['an end', ({ tcp }: UpstreamConnection) => tcp.destroy()],
  ['a reset', ({ tcp }: UpstreamConnection) => tcp.resetAndDestroy()],
])('%s that waits in the kernel when the call comes is seen in time', async (_, end) => {
  const moveClock = stopClock();
  const { begin, call, connections, status } = await setPoolScene();
  await call();
  await until(() => status().idle === 1);
  moveClock(1_000);

  let next: ReturnType<typeof begin> | undefined;
  await fromReadCallback(() => {
    connections.forEach(end);
    next = begin();
  });

  await next?.ended;
  expect(next?.trace).toMatchObject({ outcome: 'answered', reused: false });
  expect(connections).toHaveLength(2);
});
