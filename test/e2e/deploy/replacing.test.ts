import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { directoryWith } from '../support/files.ts';
import { type Checkout, makeCheckout, PROJECT } from './support/checkout.ts';
import { runCommand } from './support/command.ts';
import { filesWithSecrets, watchProcesses } from './support/secrets.ts';
import { openStage, type Stage } from './support/stage.ts';

/** These tests are one story: each goes on from where the one before has left the host. */
let stage: Stage;
let checkout: Checkout;
let first: string;
let second: string;

beforeAll(async () => {
  stage = await openStage();
  checkout = await makeCheckout();
});

afterAll(async () => {
  await checkout?.remove();
  await stage?.close();
});

test('a first deploy serves, and no secret shows on the way', async () => {
  const { host, dotenv, secrets } = stage;
  const directory = await directoryWith({});
  const watch = watchProcesses(secrets);
  const { code, results, stdout, stderr } = await runCommand(PROJECT.command('deploy'), {
    env: { ...host.env, DEPLOY_SUMMARY: join(directory, 'summary.md') },
    stdin: dotenv,
  });
  const { commands, leaks } = await watch.stop();

  expect(code, stderr).toBe(0);
  first = results.version ?? '';
  expect(first).toMatch(/^\d+\.\d+\.\d+\+\d{8}T\d{6}Z\.[0-9a-f]{7,}(\.dirty)?$/);
  expect(await stage.version()).toBe(first);
  expect(results).toMatchObject({ previous: '', certificate_not_after: expect.stringMatching(/^20\d\d-.*Z$/) });
  const summary = await readFile(join(directory, 'summary.md'), 'utf8');
  expect(summary).toContain('## Deployed');
  expect(summary).toContain(first);

  const release = join(host.root, 'releases', first);
  expect((await stat(join(release, '.env'))).mode & 0o777).toBe(0o600);
  expect((await stat(release)).mode & 0o777).toBe(0o700);
  for (const program of ['ssh ', 'receive', 'npm ci', 'dist/doctor.js', 'dist/main.js', 'pm2']) {
    expect(commands.join('\n'), `${program} was looked at`).toContain(program);
  }
  expect(leaks).toEqual([]);
  for (const secret of secrets) expect(stdout + stderr + summary).not.toContain(secret);
}, 240_000);

test('a second deploy under load loses no call, serves with its own .env, and leaves five releases', async () => {
  const { host, dotenv } = stage;
  const old = [1, 2, 3, 4, 5].map((day) => `0.0.1+2020010${day}T000000Z`);
  for (const version of old) await mkdir(join(host.root, 'releases', version), { recursive: true });
  // What cannot be tidied up must not count as a failed deploy: this is no file.
  await mkdir(join(host.root, 'releases', '0.0.1+20200105T000000Z', '.env'));
  const load = stage.load();
  const { code, results, stderr } = await runCommand(checkout.command('deploy'), {
    env: host.env,
    stdin: `${dotenv.replace('PM2_INSTANCES=2', 'PM2_INSTANCES=3')}# The second.\n`,
  });
  await load.stop();

  expect(code, stderr).toBe(0);
  second = results.version ?? '';
  console.info(`a deploy of ${results.seconds} s: ${load.calls} calls, ${load.failures.length} failed`);
  expect(load.failures).toEqual([]);
  expect(results.previous).toBe(first);
  expect(await stage.version()).toBe(second);
  expect(await readFile(join(host.root, 'current/.env'), 'utf8')).toContain('# The second.');
  expect((await host.workers()).map(({ pm2_env }) => pm2_env.status)).toEqual(['online', 'online', 'online']);
  expect((await readdir(join(host.root, 'releases'))).sort()).toEqual([...old.slice(2), first, second].sort());
  expect(stderr).toContain('Not all that is old could be removed');
}, 240_000);

test('a rollback that the doctor refuses leaves the release before its own .env', async () => {
  const { host, badDotenv } = stage;
  const current = join(host.root, 'current/.env');
  const good = await readFile(current, 'utf8');
  const before = await readFile(join(host.root, 'previous/.env'), 'utf8');
  await writeFile(current, badDotenv);
  const { code, stderr } = await runCommand(PROJECT.command('rollback'), { env: host.env });
  await writeFile(current, good);

  expect(stderr).toContain('the doctor says: ✗ pair');
  expect(code).toBe(1);
  // Compared so that no key is printed.
  expect((await readFile(join(host.root, 'previous/.env'), 'utf8')) === before).toBe(true);
  expect(await stage.version()).toBe(second);
}, 240_000);

test('a rollback under load loses no call, and takes the .env of now along', async () => {
  const { host } = stage;
  const load = stage.load();
  const { code, stderr } = await runCommand(PROJECT.command('rollback'), { env: host.env });
  await load.stop();

  expect(code, stderr).toBe(0);
  expect(load.failures).toEqual([]);
  expect(await stage.version()).toBe(first);
  expect(await readFile(join(host.root, 'current/.env'), 'utf8')).toContain('# The second.');
}, 240_000);

test('a rollback to what is not there says what is', async () => {
  const { code, stderr } = await runCommand(PROJECT.command('rollback'), { env: stage.host.env, args: ['0.0.7'] });
  expect(stderr).toContain(`0.0.7 is not on the host. Here are: ${second} ${first}`);
  expect(code).toBe(1);
});

test('a release that PUBLIC_URL does not show is taken back', async () => {
  const { host, dotenv } = stage;
  const balancer = createServer((_request, response) => response.end('{"status":"ok","version":"stale"}'));
  balancer.listen(0, '127.0.0.1');
  await once(balancer, 'listening');
  onTestFinished(() => void balancer.close());
  const { port } = balancer.address() as AddressInfo;
  const { code, stderr, results } = await runCommand(checkout.command('deploy'), {
    env: { ...host.env, PUBLIC_URL: `http://127.0.0.1:${port}`, PUBLIC_URL_WITHIN_S: '2' },
    stdin: dotenv,
  });

  expect(stderr).toContain('PUBLIC_URL does not show the new version within 2 s: it answers 200, version stale');
  expect(code).toBe(1);
  expect(results.previous).toBe(first);
  expect(await stage.version()).toBe(first);
  expect(await readFile(join(host.root, 'current/.env'), 'utf8')).toContain('# The second.');
  // The .env that was taken back wanted two.
  expect(await host.workers()).toHaveLength(3);
}, 240_000);

test('what PM2 has saved serves again after a reboot', async () => {
  const { host } = stage;
  await host.pm2('kill');
  expect(await stage.version()).toBeUndefined();
  await host.pm2('resurrect');
  await expect.poll(stage.version, { timeout: 60_000 }).toBe(first);
});

test('status and logs tell an operator what is going on', async () => {
  const { env } = stage.host;
  const [status, logs] = [
    await runCommand(PROJECT.command('status'), { env }),
    await runCommand(PROJECT.command('logs'), { env, args: ['5'] }),
  ];
  for (const line of [`current:  ${first}`, `0: online, process`, 'our certificate     accepted', '-undo: Done.']) {
    expect(status.stdout).toContain(line);
  }
  expect(logs.stdout).toContain('"msg":');
});

test('the only secrets on the host are in the .env of the release that serves', async () => {
  const { host, secrets } = stage;
  const found = await filesWithSecrets(host.home, secrets);
  expect(await readdir(join(host.home, '.pm2'))).toContain('dump.pm2');
  expect(found).toEqual([join(host.root, 'releases', first, '.env')]);
});
