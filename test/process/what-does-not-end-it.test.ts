import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { environmentFor } from '../support/service.ts';
import { type ServiceProcess, startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream } from '../support/upstream.ts';

const PAYMENT = { method: 'POST', path: '/pay', body: { amount: 1 } };

/** Runs in the service: whatever begins to listen is given to `then`, as `server`. */
const onListen = (then: string) => `
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) {
    const server = this;
    ${then}
    return listen.apply(this, args);
  };`;

/** The environment of a service before a payment API that answers every request but those to `/hang`. */
async function environment(settings: Readonly<Record<string, string>> = {}) {
  const authority = await createAuthority();
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, (request) => {
      if (!request.startsWith('POST /hang'))
        connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npaid');
    });
  });
  onTestFinished(() => upstream.close());
  return environmentFor({ authority, upstreamPorts: [upstream.port], settings });
}

/** Holds that calls are still answered, and that the service can be ended in good order. */
async function expectService(service: ServiceProcess, port: number): Promise<void> {
  for (let calls = 0; calls < 3; calls += 1) expect((await post(port, PAYMENT)).body.toString()).toBe('paid');
  service.child.kill('SIGTERM');
  expect(await service.exit).toEqual({ code: 0, signal: null });
}

describe('calls go on', () => {
  test('when nobody reads the log any more', async () => {
    const service = await startProcess({ env: await environment() });
    const port = await service.ready();
    service.child.stdout?.destroy();

    await expectService(service, port);

    expect(service.stderr).toBe('The log cannot be written (EPIPE). Calls go on without it.\n');
  });

  test.skipIf(!existsSync('/dev/full'))('when there is no room for the log', async () => {
    const stdout = openSync('/dev/full', 'w');
    const preload = onListen("server.on('listening', () => process.send(server.address().port));");
    const service = await startProcess({ env: await environment(), stdout, ipc: true, preload });
    closeSync(stdout);
    const [port] = await once(service.child, 'message');

    await expectService(service, port);

    expect(service.stderr).toBe('The log cannot be written (ENOSPC). Calls go on without it.\n');
  });

  test('when a connection cannot be accepted', async () => {
    const error = "Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' })";
    const preload = onListen(`process.on('SIGUSR2', () => server.emit('error', ${error}));`);
    const service = await startProcess({ env: await environment(), preload });
    const port = await service.ready();

    service.child.kill('SIGUSR2');

    expect(await service.line('a connection could not be accepted')).toMatchObject({ level: 50, errorCode: 'EMFILE' });
    await expectService(service, port);
  });
});

test.each([
  ['an exception', "throw new TypeError('a secret of the caller')"],
  ['a rejection', "Promise.reject(new TypeError('a secret of the caller'))"],
])('a bug ends it (%s): the calls that it cuts are logged, and nothing that the error quotes', async (_name, code) => {
  const preload = `process.on('SIGUSR2', () => { ${code}; });`;
  const service = await startProcess({ env: await environment(), preload });
  const port = await service.ready();
  const call = post(port, { ...PAYMENT, path: '/hang' }).catch((error: NodeJS.ErrnoException) => error.code);
  await service.line('handshake completed');

  service.child.kill('SIGUSR2');

  expect(await service.exit).toEqual({ code: 1, signal: null });
  expect(await call).toBe('ECONNRESET');
  expect(await service.line('this is a bug: the service ends')).toMatchObject({ level: 60, error: 'TypeError' });
  expect(await service.line('call')).toMatchObject({ wasCut: true, path: '/hang' });
  expect(JSON.stringify(service.log) + service.stderr).not.toContain('secret');
});
