import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const hasCurl = spawnSync('curl', ['--version']).status === 0;

let directory: string;
let demo: ChildProcess;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'demo-test-'));
});
afterEach(async () => {
  // SIGTERM, so that a demo that a failed test has left behind ends its service too.
  if (demo.kill()) await once(demo, 'exit');
  await rm(directory, { recursive: true, force: true });
});

/** Starts the demo with its output going to pipes, and its files to a directory of this test. */
function startDemo(...options: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', ...options], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  demo = child;
  const lines: string[] = [];
  const output = createInterface(child.stdout).on('line', (line) => lines.push(line));
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  return { child, lines, output, errors };
}

/** The directories of the demo that are still there; tsx has one of its own beside them. */
async function leftovers(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('toss-mtls-proxy-'));
}

/** Terminal columns: Hangul and other East Asian wide characters take two (Unicode TR11). */
function columnsOf(line: string): number {
  return [...line].reduce(
    (columns, character) =>
      columns + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60]/.test(character) ? 2 : 1),
    0,
  );
}

test('the demo tells its story, in 80 columns and without colour, and leaves nothing behind', async () => {
  const { child, lines, errors } = startDemo('--once');
  const [exitCode] = await once(child, 'close');
  const story = lines.join('\n');

  expect(errors.join('')).toBe('');
  expect(exitCode).toBe(0);
  const results = lines.filter((line) => line.includes('Proxy-Outcome: ')).map((line) => line.trim().split(/\s{2,}/));
  expect(results).toEqual([
    ['HTTP 200', 'Proxy-Outcome: answered', expect.stringMatching(/^payToken [\w-]{22}$/)],
    ['HTTP 200', 'Proxy-Outcome: answered', 'paidAmount 15000'],
    ['HTTP 200', 'Proxy-Outcome: answered', 'payStatus PAY_COMPLETE'],
    ['HTTP 200', 'Proxy-Outcome: answered', 'refundedAmount 15000'],
    ['HTTP 200', 'Proxy-Outcome: answered', expect.stringMatching(/^payToken [\w-]{22}$/)],
    ['HTTP 502', 'Proxy-Outcome: unknown', 'upstream_reset'],
    ['HTTP 200', 'Proxy-Outcome: answered', 'payStatus PAY_COMPLETE'],
    ['HTTP 502', 'Proxy-Outcome: not_processed', 'upstream_unreachable'],
  ]);
  const bars = lines.filter((line) => / {3}\|.*\| [\d.]+ ms$/.test(line));
  expect(bars).toHaveLength(results.length);
  expect(story).toMatch(
    /\. dns [\d.]+ {2}: tcp [\d.]+ {2}# tls [\d.]+ {2}> send [\d.]+ {2}- wait [\d.]+ {2}< receive [\d.]+/,
  );
  expect(story).toContain('The sandbox has processed 7 calls, each of them once');
  expect(story).not.toContain('PRIVATE KEY');
  expect(story).not.toContain('\u001b');
  expect(Math.max(...lines.map(columnsOf))).toBeLessThanOrEqual(80);
  expect(await leftovers()).toEqual([]);
});

test('without a terminal the demo ends by itself, like with --once', async () => {
  const { child, lines } = startDemo();
  const [exitCode] = await once(child, 'close');

  expect(exitCode).toBe(0);
  expect(lines.join('\n')).not.toContain('curl');
});

test('the curl line at its end works as it stands, and Ctrl-C ends everything', async () => {
  const { child, lines, output, errors } = startDemo('--stay');
  for await (const line of output) if (line === "}'") break;
  expect(errors.join('')).toBe('');
  const curl = lines.slice(lines.findIndex((line) => line.startsWith('curl -i http://127.0.0.1:')));
  const [, url = '', apiKey = ''] = /(http:\S+)[^']+'Authorization: Bearer (\S+)'/.exec(curl.join('\n')) ?? [];
  /** A call without an envelope: 415 from the demo's own service, 401 from any other that may have taken its port. */
  const knock = async () =>
    (await fetch(url, { method: 'POST', headers: { Authorization: `Bearer ${apiKey}` } })).status;
  expect(Math.max(...curl.map(columnsOf))).toBeLessThanOrEqual(80);
  expect(await knock()).toBe(415);
  expect(await leftovers()).toHaveLength(2);
  if (hasCurl) {
    const answer = execFileSync('sh', ['-c', curl.join('\n')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r$/m);
    expect(answer).toMatch(/^Proxy-Outcome: answered\r$/im);
    expect(answer).toContain('"payStatus":"PAY_COMPLETE"');
  }

  child.kill('SIGINT');
  const [exitCode] = await once(child, 'exit');
  expect(exitCode).toBe(0);
  expect(await leftovers()).toEqual([]);
  expect(await knock().catch(() => 'nobody there')).not.toBe(415);
});
