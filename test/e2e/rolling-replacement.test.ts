import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { type ServiceProcess, startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream } from '../support/upstream.ts';
import { directoryWith } from './support/files.ts';
import { startLoad } from './support/load.ts';
import { findPort } from './support/port.ts';
import { listening, startProgram } from './support/program.ts';

const KEY = 'a-key-that-opens-this-test-only-0123456789';
const CALLERS = 32;
const ROUNDS = 3;

/** HAProxy in the load balancer's place: it asks for `GET /` and looks away from an instance that does not say 200. */
async function startBalancer(ports: readonly number[]): Promise<number> {
  const port = await findPort();
  const cwd = await directoryWith({
    'haproxy.cfg': `
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout check 2s
frontend callers
  bind 127.0.0.1:${port}
  default_backend instances
backend instances
  balance roundrobin
  option httpchk GET /
  http-check expect status 200
  default-server check inter 200ms fall 2 rise 1
${ports.map((instance, at) => `  server instance${at} 127.0.0.1:${instance}`).join('\n')}
`,
  });
  await listening(await startProgram('haproxy', ['-db', '-f', 'haproxy.cfg'], { cwd }), port);
  return port;
}

test('two instances behind a balancer are replaced one after the other without losing a call', async () => {
  const authority = await createAuthority();
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  });
  onTestFinished(() => upstream.close());
  const client = await authority.issue({ commonName: 'rolling-mini-app' });
  const start = async (port: number): Promise<ServiceProcess> => {
    const instance = await startProcess({
      env: {
        PATH: process.env.PATH,
        TOSS_PUBLIC_CRT: client.certPem,
        TOSS_PRIVATE_KEY: client.keyPem,
        UPSTREAM_CA_B64: Buffer.from(authority.certPem).toString('base64'),
        UPSTREAM_HOSTS: `localhost:${upstream.port}`,
        PROXY_API_KEYS: `test:${KEY}`,
        PORT: String(port),
        HOST: '127.0.0.1',
        SHUTDOWN_DELAY_MS: '2000',
      },
    });
    await instance.ready();
    return instance;
  };
  const ports = [await findPort(), await findPort()];
  const instances = await Promise.all(ports.map(start));
  const balancer = await startBalancer(ports);
  const load = startLoad({
    port: balancer,
    callers: CALLERS,
    envelope: { method: 'POST', path: '/pay', body: { amount: 1 } },
    headers: { Authorization: `Bearer ${KEY}` },
  });

  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, port] of ports.entries()) {
      const old = instances[at];
      old?.child.kill('SIGTERM');
      expect(await old?.exit).toEqual({ code: 0, signal: null });
      const replacement = await start(port);
      instances[at] = replacement;
      // The balancer has it back, and gives it calls, before the other one goes.
      await replacement.line('call');
    }
  }
  await load.stop();

  console.info(`${2 * ROUNDS} instances replaced: ${load.calls} calls, ${load.failures.length} failed`);
  expect(load.failures).toEqual([]);
});
