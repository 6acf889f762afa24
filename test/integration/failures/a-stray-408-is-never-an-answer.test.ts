import { expect, test } from 'vitest';
import { expectAnswer, phasesOf, setScene } from '../../support/scene.ts';
import { gone, onRequest, startUpstream, type UpstreamConnection } from '../../support/upstream.ts';

const STRAY = 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\nConnection: close\r\n\r\nstray';

/** Sends a 408 that no request asked for, and waits until the proxy has hung up. */
async function sendStray(connection: UpstreamConnection): Promise<void> {
  const hungUp = gone(connection);
  connection.socket.write(STRAY);
  await hungUp;
}

test.each([
  { kind: 'that was used before', warm: '0' },
  { kind: 'that no call has used yet', warm: '1' },
])('a stray 408 on an idle connection $kind is never an answer', async ({ warm }) => {
  const connections: UpstreamConnection[] = [];
  let onConnected = () => {};
  const connected = new Promise<void>((resolve) => {
    onConnected = resolve;
  });
  const scene = await setScene(
    (authority) =>
      startUpstream(authority, (connection) => {
        connections.push(connection);
        onConnected();
        onRequest(connection, () => connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
      }),
    { UPSTREAM_WARM_CONNECTIONS: warm },
  );
  if (warm === '0') expectAnswer(await scene.call(), 200, 'ok');
  await connected;
  await Promise.all(connections.map(sendStray));

  const call = await scene.call();

  expectAnswer(call, 200, 'ok');
  expect(phasesOf(call).logged).toContain('tls');
});

test('a 408 that crosses the request on its way is passed, and unknown', async () => {
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, () => connection.socket.end(STRAY));
    }),
  );

  expectAnswer(await scene.call(), 408, 'stray', 'unknown');
});
