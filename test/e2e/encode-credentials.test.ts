import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'dotenv';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { credentialSources } from '../../src/credentials/source.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = join(ROOT, 'scripts/encode-credentials.ts');
const PASSPHRASE = 'correct horse # battery';

let directory: string;
let certificate: string;
let key: string;
let keyPem: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-encode-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const root = await createAuthority();
  const issuer = await root.createIntermediate();
  const pair = await issuer.issue({ commonName: 'my-mini-app' });
  keyPem = pair.keyPem;
  certificate = join(directory, 'app_public.crt');
  key = join(directory, 'app_private.key');
  await writeFile(certificate, pair.certPem, { mode: 0o600 });
  await writeFile(key, keyPem, { mode: 0o600 });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function encode(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

/** Whose certificate the service would start with. */
async function subjectIn(dotenv: string): Promise<string> {
  const { credentials } = await loadCredentials(credentialSources(parse(dotenv)), new Date());
  return credentials.subject;
}

/** A PKCS#12 file of the pair, as a console hands it out. */
async function pkcs12(): Promise<string> {
  const file = join(directory, 'app.p12');
  const args = ['pkcs12', '-export', '-in', certificate, '-inkey', key, '-out', file, '-passout', 'env:PASSPHRASE'];
  await run('openssl', args, { env: { ...process.env, PASSPHRASE } });
  return file;
}

test('one file that is not there, or is no PKCS#12, is named before the passphrase is asked for', async () => {
  const absent = join(directory, 'absent.p12');

  expect(await encode([absent])).toMatchObject({ code: 1, stderr: expect.stringContaining(`open '${absent}'`) });
  expect(await encode([certificate])).toEqual({
    code: 1,
    stdout: '',
    stderr: `${certificate} is PEM: name the certificate and the key.\n`,
  });
});

test('a pair of PEM files becomes settings that the service starts with', async () => {
  const { code, stdout, stderr } = await encode([certificate, key]);
  expect(await subjectIn(stdout)).toBe('CN=my-mini-app');
  expect(stderr).toContain('Certificate of CN=my-mini-app, good until');
  expect(code).toBe(0);
});

test('a .p12 file becomes settings that the service starts with', async () => {
  const { stdout, stderr } = await encode([await pkcs12()], { CREDENTIALS_PASSPHRASE: PASSPHRASE });
  expect(stderr).toContain('Certificate of CN=my-mini-app');
  expect(await subjectIn(stdout)).toBe('CN=my-mini-app');
});

test('a wrong passphrase is told in plain words', async () => {
  const { code, stdout, stderr } = await encode([await pkcs12()], { CREDENTIALS_PASSPHRASE: 'wrong' });
  expect(stderr).toBe('openssl cannot read this file: is the passphrase right, and is it PKCS#12?\n');
  expect(stdout).toBe('');
  expect(code).toBe(1);
});

test('a key with a passphrase takes it along, quoted where it must be', async () => {
  const encrypted = join(directory, 'encrypted.key');
  const args = ['pkcs8', '-topk8', '-in', key, '-out', encrypted, '-passout', 'env:PASSPHRASE'];
  await run('openssl', args, { env: { ...process.env, PASSPHRASE } });
  const { stdout } = await encode([certificate, encrypted], { CREDENTIALS_PASSPHRASE: PASSPHRASE });
  expect(parse(stdout).TOSS_PRIVATE_KEY_PASSPHRASE).toBe(PASSPHRASE);
  expect(await subjectIn(stdout)).toBe('CN=my-mini-app');
});

test('a pair that does not belong together is refused', async () => {
  const other = await (await createAuthority()).issue();
  await writeFile(key, other.keyPem);
  const { code, stdout, stderr } = await encode([certificate, key]);
  expect(stderr).toContain('this key does not belong to the certificate');
  expect(stdout).toBe('');
  expect(code).toBe(1);
});

test('--write replaces the old lines of a .env, keeps the others, and lets nobody else read it', async () => {
  const dotenv = join(directory, '.env');
  await writeFile(dotenv, 'PORT=3001\nTOSS_PRIVATE_KEY_B64=old\nNODE_ENV=production\n', { mode: 0o644 });
  const { stdout } = await encode([certificate, key, '--write', dotenv]);
  expect(stdout).toBe('');
  const text = await readFile(dotenv, 'utf8');
  expect(parse(text)).toMatchObject({ PORT: '3001', NODE_ENV: 'production' });
  expect(text.match(/TOSS_PRIVATE_KEY_B64/g)).toHaveLength(1);
  expect(await subjectIn(text)).toBe('CN=my-mini-app');
  expect((await stat(dotenv)).mode & 0o777).toBe(0o600);
});

test('--github hands each secret to gh over its standard input, never as an argument', async () => {
  const gh = join(directory, 'gh');
  await writeFile(gh, `#!/bin/sh\necho "$@" >> ${directory}/arguments\ncat >> ${directory}/secrets-$3\n`);
  await chmod(gh, 0o755);
  const { code, stdout } = await encode([certificate, key, '--github', '--environment', 'production'], {
    PATH: `${directory}:${process.env.PATH}`,
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(await readFile(join(directory, 'arguments'), 'utf8')).toBe(
    'secret set TOSS_PUBLIC_CRT_B64 --env production\nsecret set TOSS_PRIVATE_KEY_B64 --env production\n',
  );
  const secret = await readFile(join(directory, 'secrets-TOSS_PRIVATE_KEY_B64'), 'utf8');
  expect(Buffer.from(secret, 'base64').toString()).toBe(keyPem);
});

test('a terminal is shown nothing secret', async () => {
  const command = `'${process.execPath}' --import tsx '${SCRIPT}' '${certificate}' '${key}'`;
  const { stdout } = await run('script', ['-qec', command, '/dev/null'], { cwd: ROOT });
  expect(stdout).toContain('The pair is good.');
  expect(stdout).not.toContain(Buffer.from(keyPem).toString('base64').slice(0, 40));
});
