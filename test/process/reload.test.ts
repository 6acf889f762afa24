import { execFileSync } from 'node:child_process';
import { mkdir, open, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority, type KeyPair } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { environmentFor } from '../support/service.ts';
import { type ServiceProcess, startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream, type Upstream } from '../support/upstream.ts';

const DAY_MS = 86_400_000;
const UNCHANGED = 'reload: nothing has changed';

const authority = await createAuthority();

/** Answers each call with the name in our certificate; a call to `/held` only when `release` is called. */
async function startUpstreamThatTells(): Promise<{
  readonly upstream: Upstream;
  release(): void;
  readonly held: Promise<void>;
}> {
  let release = () => {};
  let onHeld = () => {};
  const held = new Promise<void>((resolve) => {
    onHeld = resolve;
  });
  const upstream = await startUpstream(authority, (connection) => {
    const client = String(connection.socket.getPeerCertificate().subject.CN);
    onRequest(connection, (request) => {
      const body = request.startsWith('HEAD ') ? '' : client;
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${client.length}\r\n\r\n${body}`;
      if (!request.includes(' /held ')) {
        connection.socket.write(answer);
        return;
      }
      release = () => connection.socket.write(answer);
      onHeld();
    });
  });
  onTestFinished(() => upstream.close());
  return { upstream, held, release: () => release() };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A `.env` with this pair. */
function dotenv({ certPem, keyPem }: KeyPair, more = ''): string {
  return `TOSS_PUBLIC_CRT_B64=${base64(certPem)}\nTOSS_PRIVATE_KEY_B64=${base64(keyPem)}\n${more}`;
}

async function settingsFor(upstream: Upstream): Promise<Readonly<Record<string, string>>> {
  const settings = { TOSS_PUBLIC_CRT: '', TOSS_PRIVATE_KEY: '' };
  // Every value of it is a text.
  return (await environmentFor({ authority, upstreamPorts: [upstream.port], settings })) as Record<string, string>;
}

const clientSeenBy = async (port: number, path = '/', headers = {}) =>
  (await post(port, { method: 'POST', path }, { headers })).body.toString();

const problemsIn = ({ log }: ServiceProcess) => log.filter(({ level }) => Number(level) >= 50).map(({ msg }) => msg);

test('SIGHUP reads .env again', async () => {
  const { upstream } = await startUpstreamThatTells();
  const env = await settingsFor(upstream);
  const service = await startProcess({ env, dotenv: dotenv(await authority.issue({ commonName: 'old' })) });
  const port = await service.ready();
  expect(await clientSeenBy(port)).toBe('old');

  const key = 'k'.repeat(40);
  const pair = await authority.issue({ commonName: 'new' });
  await writeFile(join(service.directory, '.env'), dotenv(pair, `PROXY_API_KEYS=shop:${key}\n`));
  service.child.kill('SIGHUP');

  const { subject, fingerprint, notAfter, apiKeys } = await service.line('reloaded');
  expect({ subject, apiKeys }).toEqual({ subject: 'CN=new', apiKeys: ['shop'] });
  expect(fingerprint).toMatch(/^[0-9A-F:]{95}$/);
  expect(Date.parse(String(notAfter))).toBeGreaterThan(Date.now() + 389 * DAY_MS);
  expect(await clientSeenBy(port)).toContain('unauthorized');
  expect(await clientSeenBy(port, '/', { Authorization: `Bearer ${key}` })).toBe('new');
});

test('a SIGHUP that finds something wrong tells every problem, and the service runs on', async () => {
  const { upstream } = await startUpstreamThatTells();
  const env = await settingsFor(upstream);
  const service = await startProcess({ env, dotenv: dotenv(await authority.issue({ commonName: 'old' })) });
  const port = await service.ready();

  const [one, other] = await Promise.all([authority.issue({ commonName: 'new' }), authority.issue()]);
  const mixed = { certPem: one.certPem, keyPem: other.keyPem };
  await writeFile(join(service.directory, '.env'), dotenv(mixed, 'MAX_IN_FLIGHT=many\n'));
  service.child.kill('SIGHUP');
  await service.line('not reloaded: MAX_IN_FLIGHT: write a whole number from 1 to 65535, digits only.');
  await service.line(
    'not reloaded: TOSS_PRIVATE_KEY_B64: this key does not belong to the certificate in TOSS_PUBLIC_CRT_B64. Put the ' +
      'key here that the certificate was requested with.',
  );
  expect(await clientSeenBy(port)).toBe('old');

  await writeFile(join(service.directory, '.env'), dotenv(one));
  service.child.kill('SIGHUP');
  await service.line('reloaded');
  expect(await clientSeenBy(port)).toBe('new');
});

test('files that are renewed are noticed within seconds, also through a renamed link', async () => {
  const { upstream } = await startUpstreamThatTells();
  const env = await settingsFor(upstream);
  /** As Kubernetes does it. */
  const lay = async (directory: string, version: string, { certPem, keyPem }: KeyPair) => {
    await mkdir(join(directory, version));
    await writeFile(join(directory, version, 'tls.crt'), certPem);
    await writeFile(join(directory, version, 'tls.key'), keyPem, { mode: 0o600 });
    await symlink(version, join(directory, 'next'));
    await rename(join(directory, 'next'), join(directory, 'live'));
  };
  const service = await startProcess({
    env: { ...env, TOSS_PUBLIC_CRT_FILE: './live/tls.crt', TOSS_PRIVATE_KEY_FILE: './live/tls.key' },
    prepare: async (directory) => lay(directory, '1', await authority.issue({ commonName: 'old' })),
  });
  const port = await service.ready();
  expect(await clientSeenBy(port)).toBe('old');

  await lay(service.directory, '2', await authority.issue({ commonName: 'new' }));
  const changedAtMs = performance.now();
  expect(await service.line('reloaded')).toMatchObject({ subject: 'CN=new' });
  expect(performance.now() - changedAtMs).toBeLessThan(10_000);
  expect(await clientSeenBy(port)).toBe('new');
  expect(problemsIn(service)).toEqual([]);
});

test('a SIGHUP during the start is done when the service is ready', async () => {
  const { upstream } = await startUpstreamThatTells();
  const env = await settingsFor(upstream);
  const { certPem, keyPem } = await authority.issue({ commonName: 'first' });
  const service = await startProcess({
    env: { ...env, TOSS_PUBLIC_CRT_FILE: './pipe', TOSS_PRIVATE_KEY: keyPem },
    prepare: async (directory) => {
      execFileSync('mkfifo', [join(directory, 'pipe')]);
    },
  });
  /** Opening a pipe for writing waits for its reader: then the start, or the reload, is under way. */
  const feed = async (whileOpen: () => void) => {
    const pipe = await open(join(service.directory, 'pipe'), 'w');
    whileOpen();
    await pipe.writeFile(certPem);
    await pipe.close();
  };
  await feed(() => service.child.kill('SIGHUP'));
  await service.ready();
  await feed(() => undefined);
  await service.line(UNCHANGED);
});

test('SIGHUPs in any number, and while the service drains, do no harm', async () => {
  const { upstream, held, release } = await startUpstreamThatTells();
  const env = await settingsFor(upstream);
  const service = await startProcess({ env, dotenv: dotenv(await authority.issue({ commonName: 'old' })) });
  const port = await service.ready();
  for (let count = 0; count < 50; count += 1) service.child.kill('SIGHUP');
  await service.line(UNCHANGED);

  const answer = clientSeenBy(port, '/held');
  await held;
  await writeFile(join(service.directory, '.env'), dotenv(await authority.issue({ commonName: 'new' })));
  service.child.kill('SIGTERM');
  await service.line('draining');
  service.child.kill('SIGHUP');
  await service.line('reloaded');
  release();

  expect(await answer).toBe('old');
  expect(await service.exit).toEqual({ code: 0, signal: null });
  expect(problemsIn(service)).toEqual([]);
});

test('a certificate that is about to end is an error at start, and in every reload that brings another one', async () => {
  const { upstream } = await startUpstreamThatTells();
  const env = await settingsFor(upstream);
  const endingIn = (days: number) => authority.issue({ notAfter: new Date(Date.now() + (days + 0.5) * DAY_MS) });
  const service = await startProcess({ env, dotenv: dotenv(await endingIn(5)) });
  await service.ready();
  expect(await service.line('the client certificate ends in 5 days: renew it')).toMatchObject({
    level: 50,
    daysLeft: 5,
  });

  await writeFile(join(service.directory, '.env'), dotenv(await endingIn(20)));
  service.child.kill('SIGHUP');
  expect(await service.line('the client certificate ends in 20 days: renew it')).toMatchObject({ level: 40 });
});
