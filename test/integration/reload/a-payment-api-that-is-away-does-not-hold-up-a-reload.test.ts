import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { startTcpUpstream } from '../../support/tcp-upstream.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';
import { setScene, startTellingUpstream } from './scene.ts';

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server's address is one.
  server.close();
  await once(server, 'close');
  return port;
}

async function hangingUp(): Promise<number> {
  const upstream = await startTcpUpstream((socket) => socket.destroy());
  onTestFinished(() => upstream.close());
  return upstream.port;
}

async function silent(): Promise<number> {
  const upstream = await startTcpUpstream(() => undefined);
  onTestFinished(() => upstream.close());
  return upstream.port;
}

async function notHttp(): Promise<number> {
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => connection.socket.write('220 mail.example ESMTP\r\n'));
  });
  onTestFinished(() => upstream.close());
  return upstream.port;
}

const authority = await createAuthority();

test.each([
  ['refuses connections', closedPort, 'upstream_unreachable', 5_000],
  ['hangs up on everybody', hangingUp, 'upstream_handshake_failed', 5_000],
  ['is silent', silent, 'upstream_connect_timeout', 300],
  ['speaks no HTTP', notHttp, 'upstream_protocol_error', 5_000],
])('a new certificate is taken although the payment API %s, with a warning', async (_, start, code, timeoutMs) => {
  const port = await start();
  const { service, issue } = await setScene(authority, port, { UPSTREAM_CONNECT_TIMEOUT_MS: String(timeoutMs) });

  await service.reload(await issue('new'));

  const [warning, ...more] = service.log.filter(({ level }) => Number(level) >= 40);
  expect(warning).toMatchObject({
    level: 40,
    msg: expect.stringContaining(`localhost:${port}: the new certificate is used untried (${code}). `),
  });
  expect(more).toEqual([]);
  expect(service.log.at(-1)).toMatchObject({ msg: 'reloaded', subject: 'CN=new' });
});

test('a new certificate is taken although the name of the payment API does not resolve', async () => {
  const settings = { UPSTREAM_HOSTS: 'payment-api.invalid' };
  const { service, issue } = await setScene(authority, 0, settings);

  await service.reload(await issue('new'));

  expect(service.log.filter(({ level }) => Number(level) >= 40)).toMatchObject([
    { level: 40, msg: expect.stringContaining('is used untried (upstream_unresolvable). The name of the payment API') },
  ]);
  expect(service.log.at(-1)).toMatchObject({ msg: 'reloaded', subject: 'CN=new' });
});

test('only the first host is asked', async () => {
  const { upstream } = await startTellingUpstream(undefined, authority);
  const settings = { UPSTREAM_HOSTS: `localhost:${upstream.port},payment-api.invalid` };
  const { service, issue } = await setScene(authority, 0, settings);

  await service.reload(await issue('new'));

  expect(service.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  expect(service.log.at(-1)).toMatchObject({ msg: 'reloaded', subject: 'CN=new' });
});
