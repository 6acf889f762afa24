import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Load } from '../support/load.ts';
import { brokenSsh } from './support/broken-ssh.ts';
import { makeCheckout } from './support/checkout.ts';
import { type Ended, startCommand } from './support/command.ts';
import { openStage, type Stage } from './support/stage.ts';

const LONG_MS = 300_000;

let stage: Stage;
let good: string;
let load: Load;

beforeAll(async () => {
  stage = await openStage();
  const { code, stderr, results } = await deploy((main) => main);
  expect(code, stderr).toBe(0);
  good = results.version ?? '';
}, LONG_MS);

afterAll(() => stage?.close());

beforeEach(() => {
  load = stage.load();
});

afterEach(async () => {
  await load.stop();
  console.info(`${load.calls} calls meanwhile, ${load.failures.length} failed`);
  expect(load.failures).toEqual([]);
});

type Change = (main: string) => string;

const unchanged: Change = (main) => main;
const beginning =
  (statement: string): Change =>
  (main) =>
    `${statement}\n${main}`;
const FOREVER = 'setInterval(() => {}, 60_000); await new Promise(() => {});';

async function start(change: Change, { stdin = stage.dotenv, env = {} } = {}) {
  const checkout = await makeCheckout(change);
  const command = startCommand(checkout.command('deploy'), { env: { ...stage.host.env, ...env }, stdin });
  return { ...command, ended: command.ended.finally(() => checkout.remove()) };
}

async function deploy(change: Change, options = {}): Promise<Ended> {
  return (await start(change, options)).ended;
}

async function expectUntouched(): Promise<void> {
  expect(await stage.version()).toBe(good);
  expect(await readdir(join(stage.host.root, 'releases'))).toEqual([good]);
  expect((await readdir(stage.host.root)).filter((name) => name.startsWith('.'))).toEqual([]);
}

test('a .env that the doctor refuses is never switched to', async () => {
  const { code, stderr, results } = await deploy(unchanged, { stdin: stage.badDotenv });
  expect(code).toBe(1);
  expect(results.reason).toContain('the doctor says: ✗ pair');
  expect(stderr).toContain(`Nothing was switched: ${good} serves as before.`);
  await expectUntouched();
});

test.each([
  ['crashes at its start', beginning('process.exit(3);'), 'it ended with exit code 3'],
  [
    'crashes with the flags that PM2 gives it',
    beginning('if (process.execArgv.length > 0) process.exit(5);'),
    'it ended with exit code 5',
  ],
  [
    'shows another version',
    (main: string) => main.replace('function ownVersion() {', "function ownVersion() { return '0.0.7';"),
    'its / answers 200, version 0.0.7',
  ],
])('a release that %s is never switched to', async (_, change, reason) => {
  const { code, stderr, results } = await deploy(change);
  expect(code).toBe(1);
  expect(results.reason).toContain(reason);
  expect(stderr).toContain(`Nothing was switched: ${good} serves as before.`);
  await expectUntouched();
});

test(
  'one that never gets ready is not either, and a second deploy meanwhile is refused',
  async () => {
    const one = await start(beginning(FOREVER), { env: { DEPLOY_WHO: 'Mina' } });
    await one.said('doctor:');
    const two = await deploy(unchanged);
    expect(two.stderr).toMatch(/Refused: Mina is at it with "deploy", since .* UTC\. Nothing was changed/);
    expect(two.code).toBe(75);

    const { code, results } = await one.ended;
    expect(code).toBe(1);
    expect(results.reason).toContain('it was not ready within 15 s');
    await expectUntouched();
  },
  LONG_MS,
);

test.each([
  ['crashes', beginning('if (process.env.pm_id !== undefined) process.exit(3);')],
  ['never gets ready', beginning(`if (process.env.pm_id !== undefined) { ${FOREVER} }`)],
  [
    'shows another version',
    (main: string) =>
      main.replace(
        'function ownVersion() {',
        "function ownVersion() { if (process.env.pm_id !== undefined) return '0.0.7';",
      ),
  ],
])(
  'a release that is good when it is tried, and %s under PM2, is rolled back',
  async (_, change) => {
    const { code, stderr, results } = await deploy(change);
    expect(code).toBe(1);
    expect(results.reason).toContain('the first worker did not serve');
    expect(stderr).toContain(`Rolled back to ${good} in `);
    await expectUntouched();
    expect((await stage.host.workers()).map(({ pm2_env }) => pm2_env.status)).toEqual(['online', 'online']);
  },
  LONG_MS,
);

test.each(['cut', 'garbled'] as const)('an upload that arrives %s changes nothing', async (damage) => {
  const { code, stderr } = await deploy(unchanged, { env: { PATH: await brokenSsh(damage) } });
  expect(stderr).toContain('The upload did not arrive as it was sent: nothing was changed.');
  expect(code).toBe(1);
  await expectUntouched();
});

test(
  'a deploy goes on to its end when the connection breaks',
  async () => {
    const { said, ended, killChild } = await start(unchanged);
    await said('try it out:');
    await killChild('ssh');
    const { code, stderr } = await ended;
    expect(stderr).toContain(
      'What was begun on the host goes on there by itself: scripts/deploy/status tells how it ended.',
    );
    expect(code).not.toBe(0);

    const version = /upload: (.*)/.exec(stderr)?.[1];
    const directory = join(stage.host.root, 'deploys');
    const last = async () => readFile(join(directory, (await readdir(directory)).sort().at(-1) ?? ''), 'utf8');
    await expect.poll(last, { timeout: 120_000 }).toMatch(/Done\.\n$/);
    expect(await stage.version()).toBe(version);
  },
  LONG_MS,
);
