import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { directoryWith } from '../support/files.ts';
import { PROJECT } from './support/checkout.ts';
import { type Ended, runCommand } from './support/command.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExamplethatopensnothing deploy';

/** Runs lines of shell with the parts of bootstrap, as somebody who is not root could. */
function part(lines: string): Promise<Ended> {
  const parts = PROJECT.command('host/bootstrap-parts.sh');
  return runCommand('/bin/bash', { args: ['-c', `set -euo pipefail; . ${parts}; ${lines}`] });
}

/** A place that Node is fetched from, with an archive that holds a `node` of two lines. */
async function startMirror({ isTampered = false } = {}): Promise<string> {
  const arch = { x64: 'x64', arm64: 'arm64' }[process.arch as string] ?? '';
  const name = `node-v24.99.1-linux-${arch}`;
  const directory = await directoryWith({});
  await mkdir(join(directory, name, 'bin'), { recursive: true });
  await writeFile(join(directory, name, 'bin/node'), '#!/bin/sh\necho v24.99.1\n', { mode: 0o755 });
  await promisify(execFile)('tar', ['-C', directory, '-czf', join(directory, 'archive'), name]);
  const archive = await readFile(join(directory, 'archive'));
  const sum = createHash('sha256').update(archive).digest('hex');
  const sums = [`${'0'.repeat(64)}  node-v24.99.1.tar.gz`, `${sum}  ${name}.tar.gz`].join('\n');
  const server = createServer((request, response) => {
    if (request.url === '/latest-v24.x/SHASUMS256.txt') response.end(sums);
    else if (request.url === `/latest-v24.x/${name}.tar.gz`) response.end(isTampered ? archive.subarray(1) : archive);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('bootstrap installs Node once, and says so', async () => {
  const [mirror, directory] = [await startMirror(), await directoryWith({})];
  const install = () => part(`mkdir -p ${directory}/bin; install_node ${mirror} ${directory} ${directory}/bin`);

  const first = await install();
  expect(first, first.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^made: {4}.*node-v24\.99\.1/) });
  expect(await readlink(join(directory, 'bin/node'))).toMatch(/node-v24\.99\.1-linux-\w+\/bin\/node$/);
  const ran = await promisify(execFile)(join(directory, 'bin/node'), ['--version']);
  expect(ran.stdout).toBe('v24.99.1\n');
  expect(await install()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^is here: node-v24/) });
});

test('bootstrap refuses a Node that is not what its checksum says', async () => {
  const [mirror, directory] = [await startMirror({ isTampered: true }), await directoryWith({})];
  const { code, stderr } = await part(`mkdir ${directory}/bin; install_node ${mirror} ${directory} ${directory}/bin`);
  expect(stderr).toContain('is not what its checksum says');
  expect(code).toBe(1);
  expect(await readdir(directory, { recursive: true })).toEqual(['bin']);
});

test.each(['LD_PRELOAD=libno-such.so.2', 'LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=no_such_setting:1'])(
  'a host on which the allocator does not run is made ready all the same, without it: %s',
  async (settings) => {
    const directory = await directoryWith({});
    await writeFile(join(directory, 'apt-get'), '#!/bin/sh\nexit 100\n', { mode: 0o755 });
    const { code, stderr } = await part(
      `PATH=${directory}:$PATH; allocator_file() { printf '%s\\n' ${settings}; }; install_allocator; ! has_allocator`,
    );
    expect(stderr).toContain('will not give memory back');
    expect(code).toBe(0);
  },
);

test('the allocator that the CI has installed is found to run', async () => {
  expect(await part('install_allocator; has_allocator')).toMatchObject({
    code: 0,
    stdout: 'is here: jemalloc\n',
    stderr: '',
  });
});

test('the page about deploys shows the settings of the allocator as bootstrap writes them', async () => {
  const { stdout } = await part('allocator_file');
  const page = await readFile(join(PROJECT.directory, 'docs/deploy-ec2.md'), 'utf8');
  for (const line of stdout.trimEnd().split('\n')) expect(page).toContain(`\n    ${line}\n`);
});

test('bootstrap lets the deploy key in once, for commands only', async () => {
  const directory = await directoryWith({});
  const file = join(directory, 'authorized_keys');
  await part(`authorize ${file} '${KEY}'`);
  const { stdout } = await part(`authorize ${file} '${KEY}'`);
  expect(stdout).toContain('is here: the deploy key');
  expect(await readFile(file, 'utf8')).toBe(`restrict ${KEY}\n`);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('bootstrap writes a file only when it changes', async () => {
  const directory = await directoryWith({});
  const write = (user: string) => part(`unit_file ${user} /srv/app /home/${user} | put ${directory}/unit 644`);
  expect((await write('mina')).stdout).toContain('made: ');
  expect((await write('mina')).stdout).toContain('is here: ');
  expect((await write('jun')).stdout).toContain('made: ');
  const unit = await readFile(join(directory, 'unit'), 'utf8');
  expect(unit).toContain('\nUser=jun\n');
  // By default systemd stops all workers when the kernel has killed one for its memory.
  expect(unit).toContain('\nOOMPolicy=continue\n');
  // Where there is no such file, systemd goes on without it.
  expect(unit).toContain('\nEnvironmentFile=-/etc/toss-mtls-proxy/allocator.env\n');
  expect(await readdir(directory)).toEqual(['unit']);
});
