import { createPrivateKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post, type Received } from '../support/caller.ts';
import { callRaw } from '../support/raw-caller.ts';
import { environmentFor } from '../support/service.ts';
import { startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../support/upstream.ts';

/** Strings that stand in one place each and must not come out anywhere else. */
const canaries: string[] = [];

function canary(place: string): string {
  const text = `${place}-${randomBytes(12).toString('hex')}`;
  canaries.push(text);
  return text;
}

const THEIRS = ['X-Theirs', 'Set-Cookie', 'Location', 'WWW-Authenticate', 'Server'].map(
  (name) => `${name}: ${canary(`answer-header-${name}`)}`,
);

/** What the payment API can do to a call, by the path that it is called with. */
const PLAYS: Readonly<Record<string, (connection: UpstreamConnection) => void>> = {
  '/ok': ({ socket }) =>
    socket.write(`HTTP/1.1 200 ${canary('reason')}\r\n${THEIRS.join('\r\n')}\r\nContent-Length: 2\r\n\r\n{}`),
  '/refuse': ({ socket }) => {
    const body = canary('answer-body');
    socket.write(`HTTP/1.1 400 No\r\n${THEIRS.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  },
  '/reset': ({ tcp }) => void tcp.resetAndDestroy(),
  '/close': ({ socket }) => void socket.end(),
  '/garbage': ({ socket }) => void socket.write(`${canary('garbage')}\r\n\r\n`),
  '/bad-header': ({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\n${canary('bad-header')}\r\n\r\n`),
  '/large-header': ({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\nX: ${canary('large').repeat(2_000)}\r\n\r\n`),
  '/break': ({ socket }) =>
    void socket.end(`HTTP/1.1 200 OK\r\n${THEIRS[0]}\r\nContent-Length: 999\r\n\r\n${canary('half')}`),
  '/408': ({ socket }) => void socket.write(`HTTP/1.1 408 No\r\n${THEIRS[0]}\r\nContent-Length: 0\r\n\r\n`),
  '/101': ({ socket }) =>
    void socket.write(`HTTP/1.1 101 Yes\r\nUpgrade: ${canary('upgrade')}\r\nConnection: Upgrade\r\n\r\n`),
  '/silence': () => undefined,
};

/** Makes calls of `/bug` fail inside the service, with an error that quotes all that it knows. */
const BUG = `
  import https from 'node:https';
  import { syncBuiltinESMExports } from 'node:module';
  const { request } = https;
  https.request = (options) => {
    if (!options.path.startsWith('/bug')) return request(options);
    throw new Error(JSON.stringify([options.path, options.headers]), { cause: options });
  };
  syncBuiltinESMExports();
`;

/** Listens on a port where something else answers than a payment API. */
async function listenPlainly(say: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(say);
  }).listen(0, 'localhost');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('no secret and no content comes out of the log, an error, a metric or the status', async () => {
  const authority = await createAuthority();
  const play = ({ socket, ...rest }: UpstreamConnection) =>
    onRequest({ socket, ...rest }, (request) => {
      PLAYS[/^\S+ (\/[^? ]*)/.exec(request)?.[1] ?? '']?.({ socket, ...rest });
    });
  const upstream = await startUpstream(authority, play);
  const stranger = await startUpstream(await createAuthority(), play);
  const picky = await startUpstream(authority, play, { ca: (await createAuthority()).certPem });
  const plain = await listenPlainly(`${canary('plain')}\r\n`);
  const passphrase = canary('passphrase');
  const key = canary('api-key');
  const env = await environmentFor({
    authority,
    upstreamPorts: [upstream.port, stranger.port, picky.port, plain, 1],
    settings: {
      PROXY_API_KEYS: `shop:${key}`,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'trace',
      METRICS_PORT: '0',
      RATE_LIMIT_PER_MINUTE: '1000',
      REDIS_URL: `redis://user:${canary('redis-password')}@127.0.0.1:1`,
      TOSS_PRIVATE_KEY_PASSPHRASE: passphrase,
      UNRELATED: canary('environment'),
    },
  });
  const keyPem = createPrivateKey(env.TOSS_PRIVATE_KEY ?? '').export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase,
  });
  canaries.push(
    ...keyPem
      .toString()
      .split('\n')
      .filter((line) => line.length > 20 && !line.startsWith('-')),
  );
  canaries.push(
    ...String(env.TOSS_PRIVATE_KEY)
      .split('\n')
      .filter((line) => line.length > 20 && !line.startsWith('-')),
  );
  const service = await startProcess({ env: { ...env, TOSS_PRIVATE_KEY: keyPem.toString() }, preload: BUG });
  onTestFinished(async () => {
    for (const one of [upstream, stranger, picky]) await one.close();
  });
  const port = await service.ready();
  const metricsPort = Number((await service.line('metrics')).port);

  const answers: Received[] = [];
  const call = async (envelope: object | string, headers: Readonly<Record<string, string>> = {}, path?: string) => {
    const all = {
      Authorization: `Bearer ${key}`,
      Cookie: canary('cookie'),
      'User-Agent': canary('agent'),
      'X-Secret': canary('header'),
      'X-Forwarded-For': canary('forwarded'),
      'X-Request-Id': `${canary('request-id')} with a space`,
      ...headers,
    };
    answers.push(await post(port, envelope, { headers: all, ...(path !== undefined && { path }) }));
  };
  const payment = (path: string, more: object = {}) => ({
    method: 'POST',
    path: `${path}?token=${canary('query')}`,
    headers: { Authorization: `Bearer ${canary('envelope-header')}`, 'x-toss-user-key': canary('user-key') },
    body: { account: canary('body') },
    ...more,
  });

  for (const path of Object.keys(PLAYS)) await call(payment(path, path === '/silence' ? { timeoutMs: 300 } : {}));
  for (const one of [stranger.port, picky.port, plain, 1]) await call(payment('/ok', { hostname: `localhost:${one}` }));
  await call(payment('/bug'));
  await call(payment('/ok', { hostname: canary('hostname') }));
  await call(payment('/ok', { method: canary('method') }));
  await call(payment('/ok', { path: canary('path') }));
  await call(payment('/ok', { headers: { [canary('name')]: `${canary('value')}\r\n` } }));
  await call(payment('/ok', { headers: { [`${canary('name')}:`]: '' } }));
  await call(payment('/ok', { body: `${canary('lone-surrogate')}\ud800` }));
  await call(payment('/ok', { timeoutMs: canary('timeout') }));
  await call(`{"method":"POST","path":"/ok","body":"${canary('broken-json')}`);
  for (let count = 0; count <= 10; count++) {
    await call(payment('/ok'), { Authorization: `Bearer ${canary('wrong-key')}` });
  }
  await call(payment('/ok'), { Authorization: canary('no-bearer') });
  await call(payment('/ok'), { Origin: `http://${canary('origin')}` });
  await call(payment('/ok'), { 'Content-Type': canary('media-type') });
  await call(payment('/ok'), { 'Content-Encoding': canary('coding') });
  await call(payment('/ok'), { Expect: canary('expectation') });
  await call(payment('/ok', { body: canary('long').repeat(100_000) }));
  await call(payment('/ok'), {}, `/${canary('unknown-path')}`);
  await call(payment('/ok'), {}, `/proxy?${canary('own-query')}`);
  for (const broken of ['header\0', 'x'.repeat(20_000), 'a\r\n folded']) {
    const caller = await callRaw(port);
    await caller.send(`POST /proxy HTTP/1.1\r\nHost: x\r\nX-${canary('broken')}: ${canary('broken')}${broken}\r\n\r\n`);
    const text = await caller.ended;
    expect(text).toMatch(/^HTTP\/1\.1 4/);
    answers.push({ status: 400, headers: {}, rawHeaders: [], body: Buffer.from(text), whole: true });
  }
  const told = await Promise.all(
    ['metrics', 'status'].map(async (page) => (await fetch(`http://127.0.0.1:${metricsPort}/${page}`)).text()),
  );
  service.child.kill('SIGTERM');
  await service.exit;

  // What the payment API answered is the caller's own; everything else is ours.
  const ours = answers.filter(({ body }) => body.includes('"requestId":'));
  const errors = ours.map(({ rawHeaders, body }) => `${rawHeaders.join('\n')}\n${body}`);
  const places = { errors, log: service.log.map((line) => JSON.stringify(line)), told, stderr: [service.stderr] };
  for (const [place, texts] of Object.entries(places)) {
    for (const text of texts) {
      // An error says which header it means; to the caller alone, and never with its value.
      const found = canaries.filter((one) => text.includes(one) && !(place === 'errors' && one.startsWith('name-')));
      expect(found, `${place}: ${text}`).toEqual([]);
    }
  }
  const codes = new Set(service.log.map(({ code }) => code));
  expect([...codes].filter((code) => code !== undefined).sort()).toEqual([
    'expectation_failed',
    'headers_too_large',
    'host_not_allowed',
    'internal_error',
    'invalid_json',
    'invalid_request',
    'origin_not_allowed',
    'payload_too_large',
    'rate_limited',
    'unauthorized',
    'unsupported_media_type',
    'upstream_certificate_invalid',
    'upstream_handshake_failed',
    'upstream_incomplete',
    'upstream_protocol_error',
    'upstream_reset',
    'upstream_timeout',
    'upstream_unreachable',
  ]);
  expect(canaries.length).toBeGreaterThan(300);
});

test('a private key that other users can read is a warning at start', async () => {
  const env = await environmentFor({ authority: await createAuthority(), upstreamPorts: [1] });
  const directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-key-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'private.key');
  await writeFile(file, env.TOSS_PRIVATE_KEY ?? '');
  await chmod(file, 0o644);

  const service = await startProcess({ env: { ...env, TOSS_PRIVATE_KEY: '', TOSS_PRIVATE_KEY_FILE: file } });
  await service.ready();

  const [warning] = service.log.filter(({ level }) => level === 40);
  expect(warning?.msg).toMatch(/^TOSS_PRIVATE_KEY_FILE: other users can read the private key/);
});
