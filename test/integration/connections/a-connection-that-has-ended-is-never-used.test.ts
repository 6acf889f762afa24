import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
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

/** The two ends of a connection, for what is to run as the service runs a call: from the callback of a socket that has been read. */
async function openPair(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const server = createServer();
  onTestFinished(() => {
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const near = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  const [[far]] = await Promise.all([once(server, 'connection'), once(near, 'connect')]);
  return { near, far };
}

const ENDS = [
  ['an end', ({ tcp }: UpstreamConnection) => tcp.destroy()],
  ['a reset', ({ tcp }: UpstreamConnection) => tcp.resetAndDestroy()],
] as const;

test.each(ENDS)('%s that waits in the kernel when the call comes is seen in time', async (_, end) => {
  const moveClock = stopClock();
  const { begin, call, connections, status } = await setPoolScene();
  await call();
  await until(() => status().idle === 1);
  moveClock(1_000);
  const { near, far } = await openPair();

  far.end('go');
  await once(near, 'data');
  connections.forEach(end);
  const { trace, ended } = begin();

  await ended;
  expect(trace).toMatchObject({ outcome: 'answered', reused: false });
  expect(connections).toHaveLength(2);
});

test.each(ENDS)(
  '%s that is read just after the call has come is seen, however fresh the connection is',
  async (_, end) => {
    stopClock();
    const { begin, call, connections, status } = await setPoolScene();
    await call();
    await until(() => status().idle === 1);
    const { near, far } = await openPair();

    // Both are in the kernel before the event loop asks, and it is told of them in this order.
    far.end('go');
    connections.forEach(end);
    await once(near, 'data');
    const { trace, ended } = begin();

    await ended;
    expect(trace).toMatchObject({ outcome: 'answered', reused: false });
    expect(connections).toHaveLength(2);
  },
);
