import { execFile } from 'node:child_process';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { directoryWith } from '../support/files.ts';
import { findPort } from '../support/port.ts';
import { PROJECT } from './support/checkout.ts';
import { runCommand } from './support/command.ts';
import { type Host, openHost } from './support/host.ts';

let host: Host;

beforeAll(async () => {
  host = await openHost();
});

afterAll(() => host?.close());

/** A pair of keys that the host has never seen. */
async function strangersKey() {
  const directory = await directoryWith({});
  const file = join(directory, 'key');
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  return { secret: await readFile(file, 'utf8'), shown: await readFile(`${file}.pub`, 'utf8') };
}

describe.each(['deploy', 'rollback', 'status', 'logs', 'bootstrap'])('%s', (command) => {
  test('names all missing variables at once', async () => {
    const { code, stderr } = await runCommand(PROJECT.command(command), { env: { EC2_HOST_KEY: '' } });
    for (const name of ['EC2_HOST', 'EC2_USER', 'EC2_HOST_KEY']) expect(stderr).toContain(`  ${name}: `);
    expect(stderr.includes('DEPLOY_PUBLIC_KEY: ')).toBe(command === 'bootstrap');
    expect(code).toBe(1);
  });
});

test('a host with another key than EC2_HOST_KEY is sent nothing', async () => {
  const { shown } = await strangersKey();
  const { code, stderr } = await runCommand(PROJECT.command('status'), { env: { ...host.env, EC2_HOST_KEY: shown } });
  expect(stderr).toContain('The host does not have the key in EC2_HOST_KEY, so nothing was sent.');
  expect(code).toBe(255);
});

test('the key of the host may stand among others, and in lines of known_hosts', async () => {
  const { shown } = await strangersKey();
  const lines = `# what ssh-keyscan prints\r\n10.0.0.1 ${shown}\nssh-host.example ${host.env.EC2_HOST_KEY} a comment\n`;
  const { code, stdout, stderr } = await runCommand(PROJECT.command('status'), {
    env: { ...host.env, EC2_HOST_KEY: lines },
  });
  expect(stdout, stderr).toContain('current:  none');
  expect(code).toBe(0);
});

test('ssh is started without the secrets that the environment holds', async () => {
  const directory = await directoryWith({ ssh: '#!/bin/sh\nenv >"$0.env"\n' });
  await chmod(join(directory, 'ssh'), 0o755);
  const secrets = [
    'TOSS_PRIVATE_KEY_B64',
    'TOSS_PRIVATE_KEY_PASSPHRASE',
    'PROXY_API_KEYS',
    'REDIS_URL',
    'PROXY_SETTINGS',
  ];
  const { code, stderr } = await runCommand(PROJECT.command('status'), {
    env: {
      ...host.env,
      ...Object.fromEntries(secrets.map((name) => [name, 'a secret'])),
      PATH: `${directory}:${process.env.PATH}`,
    },
  });
  expect(code, stderr).toBe(0);
  const environment = await readFile(join(directory, 'ssh.env'), 'utf8');
  expect(environment).toContain('EC2_HOST=');
  expect(environment).not.toMatch(/a secret|PRIVATE KEY/);
});

test('the bash of macOS finds the way, too, and white space around what was pasted does no harm', async () => {
  const pasted = {
    EC2_HOST: ` ${host.env.EC2_HOST}\r\n`,
    EC2_USER: `${host.env.EC2_USER}\n`,
    EC2_PORT: `${host.env.EC2_PORT} `,
  };
  // It quotes as bash 3.2 does.
  const { code, stdout, stderr } = await runCommand(PROJECT.command('status'), {
    env: { ...host.env, ...pasted, BASH_COMPAT: '3.2' },
  });
  expect(stdout, stderr).toContain('current:  none');
  expect(code).toBe(0);
});

test.each([
  [
    'an SSH key that the host does not know',
    async () => ({ EC2_PRIVATE_KEY: (await strangersKey()).secret }),
    'does not accept this key for',
  ],
  ['text that is no SSH key', async () => ({ EC2_PRIVATE_KEY: 'x' }), 'EC2_PRIVATE_KEY: this is no SSH private key'],
  [
    'text that is no host key',
    async () => ({ EC2_HOST_KEY: 'SHA256:abc' }),
    'EC2_HOST_KEY: this holds no public host key',
  ],
  ['a port where nobody is', async () => ({ EC2_PORT: String(await findPort()) }), 'Check EC2_HOST, EC2_PORT'],
  ['a directory with odd characters', async () => ({ DEPLOY_DIR: '$(id)' }), 'DEPLOY_DIR: only letters'],
])('%s is explained', async (_, wrong, words) => {
  const { code, stderr } = await runCommand(PROJECT.command('status'), { env: { ...host.env, ...(await wrong()) } });
  expect(stderr).toContain(words);
  expect(code).not.toBe(0);
});

test('a deploy without a .env changes nothing', async () => {
  const { code, stderr } = await runCommand(PROJECT.command('deploy'), { env: host.env, stdin: '\n' });
  expect(stderr).toContain('The .env on standard input is empty');
  expect(code).toBe(1);
  expect(await readdir(host.home)).toEqual(['.npmrc']);
});

test('looking at a host where nothing was deployed leaves nothing there', async () => {
  const { code, stderr } = await runCommand(PROJECT.command('logs'), { env: host.env });
  expect(stderr).toContain('nothing was deployed for this user yet');
  expect(code).toBe(1);
  expect(await readdir(host.home)).toEqual(['.npmrc']);
});
