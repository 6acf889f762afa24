import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { post } from '../../support/caller.ts';
import { environmentFor, type LogLine } from '../../support/service.ts';
import { type ServiceProcess, startProcess } from '../../support/service-process.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';
import { findPort } from '../support/port.ts';
import { listening, type Program, startProgram } from '../support/program.ts';

const AWAY = 'REDIS_URL: Redis is away; calls are not limited until it is back';
const BACK = 'REDIS_URL: Redis is back; calls are limited again';
const PASSWORD = randomBytes(16).toString('hex');
const KEY = randomBytes(24).toString('hex');
const PER_MINUTE = 4;

/** A line is written a moment after what it tells of. */
const SOON = { timeout: 20_000 };

let redisPort: number;
let directory: string;

beforeEach(async () => {
  redisPort = await findPort();
  directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-redis-'));
  onTestFinished(() => rm(directory, { recursive: true }));
});

/** A Redis that keeps nothing on disk, so that each one starts empty. */
async function startRedis(): Promise<Program> {
  const settings = { port: redisPort, bind: '127.0.0.1', save: '', requirepass: PASSWORD };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const redis = await startProgram('redis-server', args, { cwd: directory });
  await listening(redis, redisPort);
  return redis;
}

/** So many processes of the service, which share a limit of {@link PER_MINUTE} calls. */
async function startServices(count: number, password = PASSWORD): Promise<Caller[]> {
  const authority = await createAuthority();
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'));
  });
  onTestFinished(() => upstream.close());
  const settings = {
    PROXY_API_KEYS: `shop:${KEY}`,
    HOST: '127.0.0.1',
    RATE_LIMIT_PER_MINUTE: String(PER_MINUTE),
    REDIS_URL: `redis://:${password}@127.0.0.1:${redisPort}`,
  };
  const env = await environmentFor({ authority, upstreamPorts: [upstream.port], settings });
  return Promise.all(
    Array.from({ length: count }, async () => {
      const service = await startProcess({ env });
      const port = await service.ready();
      return { service, call: (key = KEY) => callWith(port, key) };
    }),
  );
}

interface Caller {
  readonly service: ServiceProcess;
  /** @returns the status */
  call(key?: string): Promise<number>;
}

async function callWith(port: number, key: string): Promise<number> {
  const envelope = { method: 'POST', path: '/pay' };
  return (await post(port, envelope, { headers: { Authorization: `Bearer ${key}` } })).status;
}

/** The lines about Redis, of which there is one for each change. */
function changesIn(log: readonly LogLine[]): unknown[] {
  return log.flatMap(({ msg }) => (msg === AWAY || msg === BACK ? [msg] : []));
}

/** Calls until the answer is this one, since the service notices a Redis that is back in its own time. */
async function callUntil({ call }: Caller, status: number): Promise<void> {
  while ((await call()) !== status) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('two processes count the calls of a caller together', async () => {
  await startRedis();
  const [one, other] = await startServices(2);
  if (one === undefined || other === undefined) throw new Error('two were asked for');

  const statuses: number[] = [];
  for (let count = 0; count < 6; count++) statuses.push(await (count % 2 === 0 ? one : other).call());

  expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
  for (const { service } of [one, other]) {
    expect(changesIn(service.log)).toEqual([]);
    expect(service.stderr).toBe('');
  }
});

test('two processes count the wrong keys of an address together', async () => {
  await startRedis();
  const [one, other] = await startServices(2);
  if (one === undefined || other === undefined) throw new Error('two were asked for');

  const statuses: number[] = [];
  for (let count = 0; count < 12; count++) statuses.push(await (count % 2 === 0 ? one : other).call('wrong'));

  expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
  expect(await one.call()).toBe(200);
});

test('without Redis calls pass, with one warning; as soon as it is there they are limited', async () => {
  const [caller] = await startServices(1);
  if (caller === undefined) throw new Error('one was asked for');
  const { service } = caller;

  expect(await service.line(AWAY)).toMatchObject({ level: 40, cause: 'ECONNREFUSED' });
  for (let count = 0; count < 2 * PER_MINUTE; count++) expect(await caller.call()).toBe(200);
  for (let count = 0; count < 10; count++) expect(await caller.call('wrong')).toBe(401);
  expect(await caller.call('wrong')).toBe(429);

  const first = await startRedis();
  await service.line(BACK);
  for (let count = 0; count < PER_MINUTE; count++) expect(await caller.call()).toBe(200);
  expect(await caller.call()).toBe(429);

  await first.kill();
  await callUntil(caller, 200);
  for (let count = 0; count < 2 * PER_MINUTE; count++) expect(await caller.call()).toBe(200);

  await startRedis();
  await callUntil(caller, 429);

  await expect.poll(() => changesIn(service.log), SOON).toEqual([AWAY, BACK, AWAY, BACK]);
  service.child.kill('SIGTERM');
  expect(await service.exit).toEqual({ code: 0, signal: null });
  expect(service.stderr).toBe('');
  expect(JSON.stringify(service.log)).not.toContain(PASSWORD);
});

test('a Redis that hangs delays one call by a moment and no other, and is taken up again when it goes on', async () => {
  const redis = await startRedis();
  const [caller] = await startServices(1);
  if (caller === undefined) throw new Error('one was asked for');
  for (let count = 0; count < PER_MINUTE; count++) expect(await caller.call()).toBe(200);
  expect(await caller.call()).toBe(429);

  process.kill(redis.pid, 'SIGSTOP');
  for (let count = 0; count < 100; count++) expect(await caller.call()).toBe(200);
  await caller.service.line(AWAY);
  process.kill(redis.pid, 'SIGCONT');
  await callUntil(caller, 429);

  await expect.poll(() => changesIn(caller.service.log), SOON).toEqual([AWAY, BACK]);
  const calls = caller.service.log.filter(({ msg, status }) => msg === 'call' && status === 200);
  const [median = 0] = calls
    .map(({ durationMs }) => Number(durationMs))
    .sort((a, b) => a - b)
    .slice(calls.length / 2);
  // Had each of them waited for Redis, it would be the deadline for a reply.
  expect(median).toBeLessThan(250);
  expect(caller.service.stderr).toBe('');
});

test('a wrong password is told by its name, and calls pass', async () => {
  await startRedis();
  const [caller] = await startServices(1, 'wrong-password');
  if (caller === undefined) throw new Error('one was asked for');

  expect(await caller.service.line(AWAY)).toMatchObject({ level: 40, cause: 'WRONGPASS' });
  for (let count = 0; count < 2 * PER_MINUTE; count++) expect(await caller.call()).toBe(200);
  expect(changesIn(caller.service.log)).toEqual([AWAY]);
});
