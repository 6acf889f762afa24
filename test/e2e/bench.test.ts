import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 300_000;

let directory: string;
let bench: ChildProcess;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bench-test-'));
});
afterEach(async () => {
  // SIGTERM, so that a bench that a failed test has left behind ends its servers too.
  if (bench.kill()) await once(bench, 'exit');
  await rm(directory, { recursive: true, force: true });
});

/** Starts the bench with its files in a directory of this test, and gives what it has said on standard error so far. */
function startBench(...options: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/bench.ts', '--quick', ...options], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, TMPDIR: directory },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  bench = child;
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  return { child, said };
}

/** What the bench has left behind; tsx has a directory of its own beside it. */
async function leftovers(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('toss-mtls-proxy-'));
}

async function childrenOf(parent: number | undefined): Promise<readonly string[]> {
  const stats = await Promise.all(
    (await readdir('/proc')).map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')),
  );
  return stats.flatMap((stat) => (stat.split(' ')[3] === String(parent) ? [stat.split(' ')[0] ?? ''] : []));
}

/** The command line of a process; nothing once it has ended. */
async function commandOf(pid: string): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
}

test('a quick bench measures all there is, writes it down and leaves nothing behind', {
  timeout: TIMEOUT_MS,
}, async () => {
  const document = join(directory, 'performance.md');
  const json = join(directory, 'results.json');
  await writeFile(document, await readFile(join(ROOT, 'docs/performance.md')));
  const { child, said } = startBench('--write', document, '--json', json);
  const [exitCode] = await once(child, 'close');

  expect(exitCode, said.join('')).toBe(0);
  const results = JSON.parse(await readFile(json, 'utf8'));
  const ids = results.cost.map(({ id }: { id: string }) => id);
  expect(ids).toEqual(expect.arrayContaining(['direct', 'ours', 'naive', 'fastify', 'haproxy', 'nginx']));
  const text = await readFile(document, 'utf8');
  expect(text).toContain('# Performance');
  expect(text.match(/^### /gm)).toHaveLength(8);
  // A quick bench has no spell that is long enough to be quiet.
  expect(text.match(/not measured/g)?.length ?? 0).toBeLessThanOrEqual(1);
  expect(text).not.toMatch(/NaN|undefined/);
  expect(await readFile(join(directory, 'performance.svg'), 'utf8')).toContain('toss-mtls-proxy');
  expect(await leftovers()).toEqual([]);
});

test('Ctrl-C ends a bench and all that it has started', { timeout: TIMEOUT_MS }, async () => {
  const { child, said } = startBench('--only', 'cost', '--contenders', 'ours', '--rounds', '1000');
  const exit = once(child, 'exit');
  while (!said.join('').includes('round 1/')) await once(child.stderr, 'data');
  const started = await childrenOf(child.pid);
  expect((await Promise.all(started.map(commandOf))).join()).toContain('nginx');

  child.kill('SIGINT');

  expect((await exit)[0]).toBe(130);
  expect(await leftovers()).toEqual([]);
  while ((await Promise.all(started.map(commandOf))).some((command) => command !== '')) await delay(10);
});
