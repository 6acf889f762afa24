import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { expectFailure, type SeenCall, setScene } from '../../support/scene.ts';
import { startTcpUpstream } from '../../support/tcp-upstream.ts';
import { plainAlert } from '../../support/tls-alert.ts';

function expectFailedHandshake(call: SeenCall): void {
  expectFailure(call, {
    status: 502,
    code: 'upstream_handshake_failed',
    outcome: 'not_processed',
    phases: ['dns', 'tcp', 'tls'],
  });
}

test('plain HTTP on the port is a failed handshake, and not processed', async () => {
  const requests: string[] = [];
  const scene = await setScene(async () => {
    const server = createServer((request, response) => {
      requests.push(request.url ?? '');
      response.end();
    });
    server.listen(0, 'localhost');
    await once(server, 'listening');
    const close = async () => {
      server.closeAllConnections();
      server.close();
    };
    return { port: (server.address() as AddressInfo).port, close };
  });

  expectFailedHandshake(await scene.call());
  expect(requests).toEqual([]);
});

test.each([
  ['a banner', Buffer.from('220 mail.example ESMTP\r\n')],
  ['bytes without sense', Buffer.alloc(64, 0xa5)],
  ['the alert that there is no common version', plainAlert(70)],
  ['the alert that there is no common cipher', plainAlert(40)],
  ['the alert that the name is unknown', plainAlert(112)],
])('%s in place of TLS is a failed handshake, and not processed', async (_, bytes) => {
  const scene = await setScene(() =>
    startTcpUpstream((socket) => {
      socket.once('data', () => socket.end(bytes));
    }),
  );

  expectFailedHandshake(await scene.call());
});
