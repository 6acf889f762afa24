import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createAuthority, type KeyPair } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { startProcess } from '../support/service-process.ts';
import { startNginx } from './support/nginx.ts';

const CALLERS = 32;
const SWAPS = 10;
/** Calls that must be answered with each certificate before it is swapped. */
const CALLS_EACH = 300;

const authority = await createAuthority();

/** Lays a pair into a directory as a renewal does it: each file in one step, one after the other. */
async function lay(directory: string, { certPem, keyPem }: KeyPair): Promise<void> {
  for (const [name, content] of Object.entries({ 'tls.crt': certPem, 'tls.key': keyPem })) {
    await writeFile(path.join(directory, 'next'), content, { mode: 0o600 });
    await rename(path.join(directory, 'next'), path.join(directory, name));
  }
}

/** The built service in a process of its own, with its pair in files. */
async function startService(upstreamPort: number, pair: KeyPair) {
  const service = await startProcess({
    env: {
      TOSS_PUBLIC_CRT_FILE: './tls.crt',
      TOSS_PRIVATE_KEY_FILE: './tls.key',
      UPSTREAM_CA_B64: Buffer.from(authority.certPem).toString('base64'),
      UPSTREAM_HOSTS: `localhost:${upstreamPort}`,
      PORT: '0',
      NODE_ENV: 'production',
    },
    prepare: (directory) => lay(directory, pair),
  });
  return { ...service, port: await service.ready() };
}

test('ten renewals under load: no call fails, and each new call shows the certificate of its time', async () => {
  const nginx = await startNginx({
    authority,
    location: 'return 200 "$ssl_client_s_dn $ssl_session_reused";',
    // Full handshakes and resumed ones are both on offer.
    directives: 'ssl_session_cache shared:tls:1m; ssl_session_tickets on;',
  });
  const pairOf = (generation: number) => authority.issue({ commonName: `generation-${generation}` });
  const service = await startService(nginx.port, await pairOf(0));
  const reloads = () => service.log.filter(({ msg }) => msg === 'reloaded').length;
  const answers = new Map<number, number>();
  const failures: string[] = [];
  let isOver = false;
  let onCall = () => {};

  const caller = async () => {
    while (!isOver) {
      const begunAfter = reloads();
      const { status, headers, body } = await post(service.port, { method: 'POST', path: '/pay', body: { amount: 1 } });
      const [, seen = '', reused] = /^CN=generation-(\d+) (.)$/.exec(body.toString()) ?? [];
      const generation = Number(seen);
      const isGood = status === 200 && headers['proxy-outcome'] === 'answered' && reused === '.';
      if (!isGood || generation < begunAfter) failures.push(`${begunAfter}: ${status} ${body}`);
      answers.set(generation, (answers.get(generation) ?? 0) + 1);
      onCall();
    }
  };
  /** Resolves when enough calls have been answered that showed this certificate. */
  const answersOf = (generation: number) =>
    new Promise<void>((resolve) => {
      onCall = () => {
        if (failures.length > 0 || (answers.get(generation) ?? 0) >= CALLS_EACH) resolve();
      };
    });

  const callers = Array.from({ length: CALLERS }, caller);
  await answersOf(0);
  for (let generation = 1; generation <= SWAPS; generation += 1) {
    await lay(service.directory, await pairOf(generation));
    service.child.kill('SIGHUP');
    await answersOf(generation);
  }
  isOver = true;
  await Promise.all(callers);

  const calls = [...answers.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${SWAPS} renewals under ${CALLERS} callers: ${calls} calls answered, ${failures.length} failed`);
  expect(failures).toEqual([]);
  expect(answers.size).toBe(SWAPS + 1);
  expect(service.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
});

test('a certificate that nginx refuses with its 400 is not taken', async () => {
  const nginx = await startNginx({ authority, location: 'return 200 "$ssl_client_s_dn";' });
  const service = await startService(nginx.port, await authority.issue({ commonName: 'good' }));
  const stranger = await createAuthority({ commonName: 'Another CA' });

  await lay(service.directory, await stranger.issue({ commonName: 'stranger' }));
  service.child.kill('SIGHUP');

  await service.line(
    `not reloaded: localhost:${nginx.port} refuses the new certificate with HTTP 400: is it active yet, and for this ` +
      'environment? The old one stays in use; SIGHUP tries again.',
  );
  expect((await post(service.port, { method: 'GET', path: '/' })).body.toString()).toBe('CN=good');
});
