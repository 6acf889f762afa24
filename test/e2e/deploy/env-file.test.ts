import { parse } from 'dotenv';
import { expect, test } from 'vitest';
import { PROJECT } from './support/checkout.ts';
import { runCommand } from './support/command.ts';

const REQUIRED = {
  TOSS_PUBLIC_CRT_B64: 'Y2VydGlmaWNhdGU=',
  TOSS_PRIVATE_KEY_B64: 'a2V5',
  PROXY_API_KEYS: `app:${'k'.repeat(32)}`,
};

function envFile(env: Readonly<Record<string, string>>) {
  return runCommand(PROJECT.command('env-file'), { env });
}

test('env-file writes settings so that they are read back as they were, odd ones too', async () => {
  const odd = {
    TOSS_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----\nMIG+\n-----END PRIVATE KEY-----\n',
    TOSS_PUBLIC_CRT: '-----BEGIN CERTIFICATE-----\\nMIG\\n-----END CERTIFICATE-----',
    TOSS_PRIVATE_KEY_PASSPHRASE: ` a # "b" 'c' $HOME \\ = ! `,
    REDIS_URL: 'redis://:p%40ss`w"ord#@127.0.0.1:6379',
    UPSTREAM_HOSTS: "it's.example,other.example:8443",
    ALLOWED_PATHS: 'POST /pay, GET /status',
    LOG_LEVEL: 'warn',
  };
  const { code, stdout, stderr } = await envFile({ ...REQUIRED, ...odd, SOMETHING_ELSE: 'is not ours' });
  expect(code, stderr).toBe(0);
  expect(parse(stdout)).toEqual({ ...REQUIRED, ...odd, NODE_ENV: 'production' });
});

test('env-file takes the lines of PROXY_SETTINGS, over which the environment wins', async () => {
  const { stdout, stderr } = await envFile({
    ...REQUIRED,
    PORT: '3009',
    PROXY_SETTINGS: 'PORT=3008\n# A comment.\nPM2_INSTANCES=4\nNODE_ENV="staging"\r\n',
  });
  expect(parse(stdout)).toEqual({ ...REQUIRED, PORT: '3009', PM2_INSTANCES: '4', NODE_ENV: 'staging' });
  for (const value of Object.values(REQUIRED)) expect(stderr).not.toContain(value);
});

test('env-file names all that is missing at once, and what a .env cannot hold', async () => {
  const missing = await envFile({ TOSS_PRIVATE_KEY_B64: '' });
  expect(missing.stderr).toContain('TOSS_PUBLIC_CRT_B64, TOSS_PRIVATE_KEY_B64, PROXY_API_KEYS');
  expect(missing).toMatchObject({ code: 1, stdout: '' });

  const impossible = await envFile({ ...REQUIRED, TOSS_PRIVATE_KEY_PASSPHRASE: 'a\'b"c`d#' });
  expect(impossible.stderr).toContain('TOSS_PRIVATE_KEY_PASSPHRASE: a .env cannot hold this value');
  expect(impossible).toMatchObject({ code: 1, stdout: '' });
});
