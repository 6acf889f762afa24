import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { PROJECT } from './support/checkout.ts';

const run = promisify(execFile);
const SHELL = /^#!.*\b(ba|da|)sh\b|^# shellcheck shell=/;

test('shellcheck finds nothing in any shell script of the repository', async () => {
  const options = { cwd: PROJECT.directory };
  const listed = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], options);
  const files = listed.stdout.split('\0').filter((name) => name !== '' && !/\.(ts|js|mjs|json|md|yml)$/.test(name));
  const scripts: string[] = [];
  for (const name of files) {
    if (SHELL.test(await readFile(join(PROJECT.directory, name), 'utf8'))) scripts.push(name);
  }
  expect(scripts).toEqual(expect.arrayContaining(['.ci/run', 'scripts/deploy/deploy', 'scripts/deploy/host/steps.sh']));
  const { stdout } = await run('shellcheck', ['--external-sources', ...scripts], options).catch((error) => error);
  expect(stdout).toBe('');
});
