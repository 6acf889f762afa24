import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { onRequest, startUpstream } from '../support/upstream.ts';
import { allocatorEnv } from './support/allocator.ts';
import { startLoad } from './support/load.ts';
import { openPm2, type Pm2 } from './support/pm2.ts';
import { findPort } from './support/port.ts';

const KEY = 'a-key-that-opens-this-test-only-0123456789';
const CALLERS = 32;
const RELOADS = 10;
const ENVELOPE = { method: 'POST', path: '/pay', body: { amount: 1 } };

interface Stage {
  readonly pm2: Pm2;
  readonly port: number;
  readonly metricsPort: number;
  readonly keyPem: string;
}

/** Two workers under PM2, and the payment API behind them. */
async function open(answerAfterMs = 0): Promise<Stage> {
  const authority = await createAuthority();
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, async () => {
      if (answerAfterMs > 0) await delay(answerAfterMs);
      connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  onTestFinished(() => upstream.close());
  const client = await authority.issue({ commonName: 'pm2-mini-app' });
  const port = await findPort();
  const metricsPort = await findPort();
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const pm2 = await openPm2(
    [
      `TOSS_PUBLIC_CRT_B64=${base64(client.certPem)}`,
      `TOSS_PRIVATE_KEY_B64=${base64(client.keyPem)}`,
      `UPSTREAM_CA_B64=${base64(authority.certPem)}`,
      `UPSTREAM_HOSTS=localhost:${upstream.port}`,
      `PROXY_API_KEYS=test:${KEY}`,
      `PORT=${port}`,
      'HOST=127.0.0.1',
      `METRICS_PORT=${metricsPort}`,
      'NODE_ENV=production',
    ].join('\n'),
    // As in the shell of an operator who has exported what belongs into `.env`, on a host that bootstrap has made.
    { PROXY_API_KEYS: `test:${KEY}`, ...(await allocatorEnv()) },
  );
  await pm2.command('start', 'ecosystem.config.js');
  return { pm2, port, metricsPort, keyPem: client.keyPem };
}

function load(port: number) {
  return startLoad({ port, callers: CALLERS, envelope: ENVELOPE, headers: { Authorization: `Bearer ${KEY}` } });
}

test('pm2 reload under load loses no call, ten times', async () => {
  const { pm2, port } = await open();
  const before = await pm2.processes();
  expect(before.map(({ status }) => status)).toEqual(['online', 'online']);

  const callers = load(port);
  for (let reload = 0; reload < RELOADS; reload += 1) await pm2.command('reload', 'ecosystem.config.js');
  await callers.stop();

  console.info(`${RELOADS} reloads of 2 workers: ${callers.calls} calls, ${callers.failures.length} failed`);
  expect(callers.failures).toEqual([]);
  const after = await pm2.processes();
  expect(after.map(({ pid }) => pid)).not.toContain(before[0]?.pid);
  expect(after.map(({ status }) => status)).toEqual(['online', 'online']);
});

test('kill -9 of one worker costs only the calls that it had in flight, and it comes back by itself', async () => {
  const { pm2, port } = await open(50);
  const [victim] = await pm2.processes();
  const callers = load(port);
  while (callers.calls < 10 * CALLERS) await delay(20);

  process.kill(Number(victim?.pid), 'SIGKILL');
  const killedAtMs = performance.now();
  let back = await pm2.processes();
  while (back.filter(({ status }) => status === 'online').length < 2 || back[0]?.pid === victim?.pid) {
    back = await pm2.processes();
  }
  const backAfterMs = performance.now() - killedAtMs;
  await callers.stop();

  console.info(`kill -9: ${callers.failures.length} of ${callers.calls} calls failed, back after ${backAfterMs} ms`);
  expect(callers.failures.length).toBeLessThanOrEqual(CALLERS);
  expect(new Set(callers.failures)).not.toContain('502');
});

test('every worker has metrics on a port of its own, also after a reload, and a signal reaches them all', async () => {
  const { pm2, metricsPort } = await open();
  const states = async () =>
    Promise.all([0, 1].map(async (at) => (await fetch(`http://127.0.0.1:${metricsPort + at}/status`)).json()));
  expect(await states()).toMatchObject([{ service: { state: 'ready' } }, { service: { state: 'ready' } }]);

  await pm2.command('reload', 'ecosystem.config.js');
  expect(await states()).toMatchObject([{ service: { state: 'ready' } }, { service: { state: 'ready' } }]);

  await pm2.command('sendSignal', 'SIGHUP', 'toss-mtls-proxy');

  await expect
    .poll(states)
    .toMatchObject([{ lastReload: { result: 'unchanged' } }, { lastReload: { result: 'unchanged' } }]);
});

test('every worker has the memory allocator that PM2 was started with, also after a reload', async () => {
  const { pm2 } = await open();
  const allocators = async () => {
    const maps = (await pm2.processes()).map(({ pid }) => readFile(`/proc/${pid}/maps`, 'latin1'));
    return (await Promise.all(maps)).map((text) => /libjemalloc/.exec(text)?.[0]);
  };
  expect(await allocators()).toEqual(['libjemalloc', 'libjemalloc']);

  await pm2.command('reload', 'ecosystem.config.js');
  expect(await allocators()).toEqual(['libjemalloc', 'libjemalloc']);
});

test('PM2 writes no secret to disk', async () => {
  const { pm2, keyPem } = await open();
  await pm2.command('save');

  const files = (await readdir(pm2.home, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
  const texts = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')));

  expect(texts.join()).toContain('toss-mtls-proxy');
  for (const secret of [KEY, Buffer.from(keyPem).toString('base64').slice(0, 60)]) {
    expect(texts.filter((text) => text.includes(secret))).toEqual([]);
  }
});
