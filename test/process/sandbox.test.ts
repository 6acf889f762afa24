import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';

let directory: string;
let child: ChildProcess;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'sandbox-test-'));
});
afterEach(async () => {
  child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

function run(port: number) {
  const started = spawn(process.execPath, ['--import', 'tsx', 'scripts/sandbox.ts', '--port', String(port)], {
    env: { PATH: process.env.PATH, TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  return started;
}

/** Its directories; tsx has one of its own beside them. */
async function certificateDirectories(): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith('toss-mtls-proxy-'));
  return names.map((name) => path.join(directory, name));
}

test('the sandbox names the settings and its faults, keeps the files from other users, and deletes them when it ends', async () => {
  const { stdout } = run(0);
  const settings = new Map<string, string>();
  const banner: string[] = [];
  for await (const line of createInterface(stdout)) {
    banner.push(line);
    const [, name, value] = /^([A-Z_]+)=(\S+)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) settings.set(name, value);
    if (line.startsWith('Ctrl-C')) break;
  }
  const [certificates = ''] = await certificateDirectories();
  const { UPSTREAM_HOSTS, ...files } = Object.fromEntries(settings);

  expect(banner).toContain('delay=MS | drip=MS | hang | reset-before | reset-after | half | 500 | 4095');
  expect(UPSTREAM_HOSTS).toMatch(/^localhost:\d+$/);
  expect(files).toEqual({
    TOSS_PUBLIC_CRT_FILE: path.join(certificates, 'sandbox_public.crt'),
    TOSS_PRIVATE_KEY_FILE: path.join(certificates, 'sandbox_private.key'),
    UPSTREAM_CA_FILE: path.join(certificates, 'sandbox_ca.crt'),
  });
  expect((await stat(certificates)).mode & 0o777).toBe(0o700);
  for (const file of Object.values(files)) expect((await stat(file)).mode & 0o777).toBe(0o600);

  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(await certificateDirectories()).toEqual([]);
});

test('the sandbox says so when its port is taken, and leaves nothing behind', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo; // a TCP listener: never a pipe's name
  const { stderr } = run(port);
  const [said, [exitCode]] = await Promise.all([buffer(stderr), once(child, 'close')]);
  other.close();

  expect(exitCode).toBe(1);
  expect(said.toString()).toBe(
    `The sandbox cannot listen on port ${port} (EADDRINUSE). Try: npm run sandbox -- --port 0\n`,
  );
  expect(await certificateDirectories()).toEqual([]);
});
