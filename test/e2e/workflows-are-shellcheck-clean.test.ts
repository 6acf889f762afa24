import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { nameOf, parseWorkflow, stepsOf } from '../support/workflow.ts';

const run = promisify(execFile);
const GITHUB = fileURLToPath(new URL('../../.github/', import.meta.url));
const TIMEOUT_MS = 60_000;

/** What GitHub itself sets. */
const PREAMBLE = '#!/usr/bin/env bash\nset -eo pipefail\n';

/** What ShellCheck has to say of a script, read from standard input. */
async function findings(script: string): Promise<string> {
  const checked = run('shellcheck', ['--norc', '--severity=style', '-'], { timeout: TIMEOUT_MS });
  checked.child.stdin?.end(script);
  try {
    await checked;
    return '';
  } catch (error) {
    // What `execFile` rejects with; a number is the exit code, a text that the program is not there.
    const { code, stdout } = error as { readonly code: number | string; readonly stdout: string };
    if (code !== 1) throw error;
    return stdout;
  }
}

/** What stands for the step's `env`, which ShellCheck cannot see. */
function assignments(env: Readonly<Record<string, unknown>>): string {
  return Object.keys(env)
    .map((name) => `export ${name}=x\n`)
    .join('');
}

const steps = readdirSync(`${GITHUB}workflows`).flatMap((file) =>
  stepsOf(parseWorkflow(readFileSync(`${GITHUB}workflows/${file}`, 'utf8')))
    .filter(({ run: script }) => script !== undefined)
    .map((step) => [`${file}: ${nameOf(step)}`, `${PREAMBLE}${assignments(step.env ?? {})}${step.run}`] as const),
);
const scripts = readdirSync(`${GITHUB}scripts`).map(
  (file) => [file, readFileSync(`${GITHUB}scripts/${file}`, 'utf8')] as const,
);

test.each([...steps, ...scripts])('ShellCheck finds nothing in %s', async (_name, script) => {
  expect(await findings(script)).toBe('');
});

test('ShellCheck would find a variable without quotes', async () => {
  expect(await findings(`${PREAMBLE}rm -r $1`)).toContain('SC2086');
});
