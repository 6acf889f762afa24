import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { settleLoopback } from '../../support/event-loop.ts';
import { callRaw, rawCall } from '../../support/raw-caller.ts';
import { type Scene, setScene } from '../../support/scene.ts';
import { startTcpUpstream } from '../../support/tcp-upstream.ts';
import { gone, onRequest, startUpstream, type UpstreamConnection } from '../../support/upstream.ts';

const LARGE_BYTES = 1_000_000;

/** A promise for what a script meets later. */
function later<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Begins a call; hanging up resolves when the service must have noticed. */
function begin(scene: Scene, method: string, onHead?: () => void): { hangUp(): Promise<void> } {
  const abort = new AbortController();
  const call = scene.call({ method, path: '/pay' }, { signal: abort.signal, ...(onHead && { onHead }) });
  return {
    async hangUp() {
      abort.abort();
      await call.catch(() => undefined);
      await settleLoopback();
    },
  };
}

const answer = (bytes: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;

describe.each(['POST', 'PUT', 'PATCH', 'DELETE'])('a %s whose caller hangs up', (method) => {
  test.each([
    ['a small answer', 2],
    ['an answer that would have been streamed', LARGE_BYTES],
  ])('runs on to its end with %s, and is logged as answered', async (_, bytes) => {
    const read = later<UpstreamConnection>();
    const scene = await setScene((authority) =>
      startUpstream(authority, (connection) => onRequest(connection, () => read.resolve(connection))),
    );
    const call = begin(scene, method);

    const { socket } = await read.promise;
    await call.hangUp();
    socket.write(answer(bytes));

    const [line] = await scene.service.callLines(1);
    expect(line).toMatchObject({ method, outcome: 'answered', callerGone: true, bytesReceived: bytes });
    expect(line).not.toHaveProperty('code');
  });
});

describe.each(['GET', 'HEAD'])('a %s whose caller hangs up', (method) => {
  test('is given up, and unknown', async () => {
    const read = later<UpstreamConnection>();
    const scene = await setScene((authority) =>
      startUpstream(authority, (connection) => onRequest(connection, () => read.resolve(connection))),
    );
    const call = begin(scene, method);

    const hungUpOn = gone(await read.promise);
    await call.hangUp();
    await hungUpOn;

    const [line] = await scene.service.callLines(1);
    expect(line).toMatchObject({ method, code: 'caller_gone', outcome: 'unknown', callerGone: true });
  });
});

test.each(['GET', 'POST'])('a %s whose caller hangs up before the hand-over is never sent', async (method) => {
  const accepted = later<Socket>();
  const scene = await setScene(() => startTcpUpstream(accepted.resolve));
  const call = begin(scene, method);

  await accepted.promise;
  await call.hangUp();

  const [line] = await scene.service.callLines(1);
  expect(line).toMatchObject({ code: 'caller_gone', outcome: 'not_processed', callerGone: true, bytesSent: 0 });
  expect(Object.keys(Object(line?.phases))).toEqual(['dns', 'tcp', 'tls']);
});

test('a POST whose caller hangs up in the middle of a streamed answer is logged as answered', async () => {
  const head = later<void>();
  const read = later<UpstreamConnection>();
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => onRequest(connection, () => read.resolve(connection))),
  );
  const call = begin(scene, 'POST', head.resolve);

  const { socket } = await read.promise;
  const half = answer(LARGE_BYTES).slice(0, -LARGE_BYTES / 2);
  socket.write(half);
  await head.promise;
  await call.hangUp();
  socket.write('x'.repeat(LARGE_BYTES / 2));

  const [line] = await scene.service.callLines(1);
  expect(line).toMatchObject({ status: 200, outcome: 'answered', bytesReceived: LARGE_BYTES });
});

test('a GET whose caller hangs up in the middle of a streamed answer is given up', async () => {
  const head = later<void>();
  const read = later<UpstreamConnection>();
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => onRequest(connection, () => read.resolve(connection))),
  );
  const call = begin(scene, 'GET', head.resolve);

  const connection = await read.promise;
  const hungUpOn = gone(connection);
  connection.socket.write(answer(LARGE_BYTES).slice(0, -1));
  await head.promise;
  await call.hangUp();
  await hungUpOn;

  const [line] = await scene.service.callLines(1);
  expect(line).toMatchObject({ status: 200, code: 'caller_gone', outcome: 'unknown' });
});

describe('a caller that hangs up while one of its calls waits behind another', () => {
  /** Two calls on one connection, which the caller ends when both are at the payment API. */
  async function beginBoth(method: string) {
    const reads = [later<UpstreamConnection>(), later<UpstreamConnection>()] as const;
    let count = 0;
    const { service } = await setScene((authority) =>
      startUpstream(authority, (connection) => onRequest(connection, () => reads[count++]?.resolve(connection))),
    );
    const caller = await callRaw(service.port);
    await caller.send(rawCall(JSON.stringify({ method, path: '/pay' })).repeat(2));
    const connections = await Promise.all(reads.map(({ promise }) => promise));
    caller.socket.destroy();
    await settleLoopback();
    const lines = async () => {
      await service.callLines(2);
      // The scene expects those calls only that it has made itself.
      return service.takeLog().filter(({ msg }) => msg === 'call');
    };
    return { lines, connections };
  }

  test('gives up both, if they change nothing', async () => {
    const { lines } = await beginBoth('GET');

    for (const line of await lines()) {
      expect(line).toMatchObject({ code: 'caller_gone', outcome: 'unknown', callerGone: true });
      expect(line).not.toHaveProperty('status');
    }
  });

  test('has both run on to their end, whatever their size, if they are payments', async () => {
    const { lines, connections } = await beginBoth('POST');

    for (const { socket } of connections) socket.write(answer(LARGE_BYTES));

    for (const line of await lines()) {
      expect(line).toMatchObject({ outcome: 'answered', callerGone: true, bytesReceived: LARGE_BYTES });
      expect(line).not.toHaveProperty('code');
    }
  });
});

test('a POST whose caller hangs up in the turn in which its answer is ready is logged as answered, and sent nothing', async () => {
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => onRequest(connection, () => connection.socket.write(answer(2)))),
  );
  const call = begin(scene, 'POST');
  const hungUp = new Promise((resolve) => {
    vi.spyOn(ServerResponse.prototype, 'writeHead').mockImplementationOnce(function (this: ServerResponse) {
      this.socket?.destroy();
      resolve(undefined);
      return this;
    });
  });

  await hungUp;
  await call.hangUp();

  const [line] = await scene.service.callLines(1);
  expect(line).toMatchObject({ outcome: 'answered', callerGone: true, bytesReceived: 2 });
  expect(line).not.toHaveProperty('status');
  expect(await scene.call({ method: 'POST', path: '/pay' })).toMatchObject({ answer: { status: 200 } });
});
