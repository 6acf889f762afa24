import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import module from 'node:module';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import type { Environment } from '../../src/config/environment.ts';
import { environmentFor } from '../support/service.ts';
import { startProcess } from '../support/service-process.ts';

const NOBODY = 65_534;
const KEYS = `shop:${'k'.repeat(32)}`;

/** Whether something listens there. */
async function isOpen(port: number, host: string): Promise<boolean> {
  const socket = connect(port, host);
  const opened = await Promise.race([once(socket, 'connect'), once(socket, 'error')]).catch(() => undefined);
  const open = opened !== undefined && !socket.destroyed;
  socket.destroy();
  return open;
}

async function listen(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function environment(settings: Readonly<Record<string, string>> = {}): Promise<Environment> {
  return environmentFor({ authority: await createAuthority(), upstreamPorts: [1], settings });
}

/** Starts a service that cannot start, and gives what it said: plain lines, and nothing of an environment's secrets. */
async function problemsOf(env: Environment, uid?: number): Promise<string[]> {
  const service = await startProcess({ env, uid });
  const { code } = await service.exit;
  expect(code).toBe(1);
  expect(service.log).toEqual([]);
  expect(service.stderr).not.toMatch(/^\s+at /m);
  for (const secret of [env.TOSS_PRIVATE_KEY, env.PROXY_API_KEYS]) {
    for (const piece of secret?.match(/[\w+/=-]{20,}/g) ?? []) expect(service.stderr).not.toContain(piece);
  }
  return service.stderr.trimEnd().split('\n');
}

describe('a start', () => {
  test('needs no more than a .env of four lines, and then serves this machine and nobody else', async () => {
    const { certPem, keyPem } = await (await createAuthority()).issue();
    const dotenv = [
      `TOSS_PUBLIC_CRT_B64=${Buffer.from(certPem).toString('base64')}`,
      `TOSS_PRIVATE_KEY_B64=${Buffer.from(keyPem).toString('base64')}`,
      'PORT=0',
      'NODE_ENV=production',
    ].join('\n');
    // It would work without this, too, but no test may look for the real payment API.
    const service = await startProcess({ dotenv, env: { UPSTREAM_WARM_CONNECTIONS: '0' } });

    const port = await service.ready();
    const answer = await fetch(`http://127.0.0.1:${port}/`);

    expect(answer.status).toBe(200);
    expect(await service.line('ready')).toMatchObject({ host: '127.0.0.1', subject: 'CN=client' });
    expect(await isOpen(port, '127.0.0.1')).toBe(true);
    expect(await isOpen(port, '127.0.0.2')).toBe(false);
    expect(await isOpen(port, '::1')).toBe(false);
    expect(service.stderr).toBe('');
  });

  test('keeps what V8 has compiled beside the packages, where Node can', async () => {
    const cache = new URL('../../node_modules/.cache/toss-mtls-proxy', import.meta.url).pathname;
    const service = await startProcess({
      env: await environment(),
      preload: `import module from 'node:module';
        process.on('exit', () => console.error(module.getCompileCacheDir?.() ?? 'nowhere'));`,
    });
    await service.ready();
    service.child.kill('SIGTERM');

    expect((await service.exit).code).toBe(0);
    if ('enableCompileCache' in module) expect(service.stderr).toContain(`${cache}/`);
    else expect(service.stderr).toBe('nowhere\n');
  });

  test('is a start all the same where nothing can be kept', async () => {
    const uid = process.getuid?.() === 0 ? NOBODY : undefined;
    const service = await startProcess({ env: await environment(), uid });

    const answer = await fetch(`http://127.0.0.1:${await service.ready()}/`);

    expect(answer.status).toBe(200);
    expect(service.stderr).toBe('');
  });

  test('tells its version, certificate and port once it listens, in JSON lines', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const service = await startProcess({ env: await environment({ PROXY_API_KEYS: KEYS, HOST: '127.0.0.1' }) });

    const port = await service.ready();

    expect(service.log).toEqual([
      {
        level: 30,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        msg: 'ready',
        version,
        host: '127.0.0.1',
        port,
        subject: 'CN=test-mini-app',
        fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
        notAfter: expect.stringMatching(/^\d{4}-/),
      },
    ]);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toMatchObject({ version });
  });

  test('tells PM2 that it is ready, but not before it listens', async () => {
    const port = await listen();
    const blocked = await startProcess({ env: await environment({ PORT: String(port) }), ipc: true });
    const told: unknown[] = [];
    blocked.child.on('message', (message) => told.push(message));
    await blocked.exit;

    const service = await startProcess({ env: await environment(), ipc: true });
    const [message] = await once(service.child, 'message');

    expect(message).toBe('ready');
    expect(await isOpen(await service.ready(), '127.0.0.1')).toBe(true);
    expect(told).toEqual([]);
  });

  test('writes warnings to the log', async () => {
    const env = await environment({ TOSS_PUBLIC_CRT_FILE: '/nowhere.pem' });
    const service = await startProcess({ env });
    await service.ready();

    expect(service.log[0]).toMatchObject({ level: 40, msg: expect.stringMatching(/^TOSS_PUBLIC_CRT_FILE: not read/) });
  });

  test('goes on without metrics if their port is taken', async () => {
    const metricsPort = await listen();
    const service = await startProcess({ env: await environment({ METRICS_PORT: String(metricsPort) }) });

    const warning = await service.line('METRICS_PORT cannot be listened on; metrics are off');

    expect(warning).toMatchObject({ level: 40, errorCode: 'EADDRINUSE', port: metricsPort });
    expect((await fetch(`http://127.0.0.1:${await service.ready()}/`)).status).toBe(200);
  });

  test('offers metrics and status on a port of their own, on this machine', async () => {
    const service = await startProcess({ env: await environment({ METRICS_PORT: '0' }) });
    const { host, port } = await service.line('metrics');

    expect(host).toBe('127.0.0.1');
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('proxy_requests_in_flight 0');
    expect(await (await fetch(`http://127.0.0.1:${port}/status`)).json()).toMatchObject({
      service: { state: 'ready', inFlight: 0 },
      certificate: { subject: 'CN=test-mini-app' },
    });
    expect((await fetch(`http://127.0.0.1:${await service.ready()}/metrics`)).status).toBe(404);
  });
});

describe('no start', () => {
  test('with bad settings: all problems are told at once, each with its variable', async () => {
    const problems = await problemsOf({ PORT: 'abc', HOST: '0.0.0.0', LOG_LEVEL: 'loud', PROXY_API_KEYS: '' });

    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'LOG_LEVEL',
      'HOST',
      'TOSS_PUBLIC_CRT_B64',
      'TOSS_PRIVATE_KEY_B64',
    ]);
  });

  test('with a mistyped setting: its name is told beside the setting that is missing', async () => {
    const service = await startProcess({ env: {}, dotenv: 'TOSS_PUBLIC_CERT_B64=x\nPORT=0\n' });
    await service.exit;

    expect(service.stderr).toMatch(/^TOSS_PUBLIC_CRT_B64: this is not set/m);
    expect(service.stderr).toMatch(/^\.env: no settings of this service.*TOSS_PUBLIC_CERT_B64/m);
  });

  test('without verification of servers', async () => {
    const [problem] = await problemsOf(await environment({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }));

    expect(problem).toMatch(/^NODE_TLS_REJECT_UNAUTHORIZED: /);
  });

  test('with a key that does not belong to the certificate', async () => {
    const { keyPem } = await (await createAuthority()).issue();

    expect(await problemsOf(await environment({ TOSS_PRIVATE_KEY: keyPem }))).toEqual([
      expect.stringMatching(/^TOSS_PRIVATE_KEY: this key does not belong to the certificate in TOSS_PUBLIC_CRT\./),
    ]);
  });

  test('with a certificate that has expired', async () => {
    const { certPem, keyPem } = await (await createAuthority()).issue({
      notBefore: new Date('2020-01-01'),
      notAfter: new Date('2021-01-01'),
    });

    expect(await problemsOf(await environment({ TOSS_PUBLIC_CRT: certPem, TOSS_PRIVATE_KEY: keyPem }))).toEqual([
      expect.stringMatching(/^TOSS_PUBLIC_CRT: .*expired/),
    ]);
  });

  test('on a port that is taken', async () => {
    expect(await problemsOf(await environment({ PORT: String(await listen()) }))).toEqual([
      'PORT: another process listens on this port. Stop it, or set another PORT.',
    ]);
  });

  test('on an address of another machine', async () => {
    expect(await problemsOf(await environment({ HOST: '192.0.2.1', PROXY_API_KEYS: KEYS }))).toEqual([
      'HOST: this machine cannot listen on this address (EADDRNOTAVAIL). Set one of its own.',
    ]);
  });

  test.skipIf(!portsArePrivileged())('on a port that only root may take', async () => {
    const uid = process.getuid?.() === 0 ? NOBODY : undefined;

    expect(await problemsOf(await environment({ PORT: '1' }), uid)).toEqual([
      'PORT: this user may not listen on this port. Set one above 1023.',
    ]);
  });
});

/** Whether this system keeps low ports for root; most containers do not. */
function portsArePrivileged(): boolean {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) > 1;
  } catch {
    return false;
  }
}
