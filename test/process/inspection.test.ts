import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { environmentFor } from '../support/service.ts';
import { startProcess } from '../support/service-process.ts';

/** Runs the service with these options of Node, until it has taken the signal and a call after it. */
async function signalled(signal: NodeJS.Signals, nodeOptions: string, apiKey: string) {
  const env = await environmentFor({
    authority: await createAuthority(),
    upstreamPorts: [1],
    settings: { PROXY_API_KEYS: `shop:${apiKey}`, HOST: '127.0.0.1', NODE_OPTIONS: nodeOptions },
  });
  const service = await startProcess({ env });
  const port = await service.ready();
  service.child.kill(signal);
  const { status } = await fetch(`http://127.0.0.1:${port}/`);
  service.child.kill('SIGTERM');
  const { code } = await service.exit;
  return { status, code, stderr: service.stderr };
}

test('SIGUSR1 does not open the inspector', async () => {
  const { status, code, stderr } = await signalled('SIGUSR1', '--inspect-port=0', randomBytes(24).toString('hex'));

  expect([status, code]).toEqual([200, 0]);
  expect(stderr).not.toContain('Debugger');
});

test('a diagnostic report that was asked for does not hold the environment', async () => {
  const apiKey = randomBytes(24).toString('hex');
  const directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-reports-'));
  onTestFinished(() => rm(directory, { recursive: true }));

  const options = `--report-on-signal --report-on-fatalerror --report-uncaught-exception --report-directory=${directory}`;
  const { status, code } = await signalled('SIGUSR2', options, apiKey);

  expect([status, code]).toEqual([200, 0]);
  for (const name of await readdir(directory)) {
    const report = await readFile(join(directory, name), 'utf8');
    expect(report).not.toContain(apiKey);
    expect(report).not.toContain('PRIVATE KEY');
  }
});
