import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameOf, parseWorkflow, stepsOf } from '../support/workflow.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 20_000;

interface Ended {
  readonly code: number;
  readonly stdout: string;
}

/** Runs a step as GitHub does, with this environment and no other. */
async function runStep(script: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  const args = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script];
  try {
    const { stdout } = await run('bash', args, { cwd, env: { PATH: process.env.PATH, ...env }, timeout: TIMEOUT_MS });
    return { code: 0, stdout };
  } catch (error) {
    // What `execFile` rejects with when a program ends with another code than 0.
    const { code, stdout } = error as { readonly code: number; readonly stdout: string };
    return { code, stdout };
  }
}

describe('the commit that is deployed', () => {
  let directory: string;
  const commits: Record<string, string> = {};

  /** A clone of main, whose first commit CI has not passed, with a branch and a tag that are not on main. */
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-choose-'));
    const git = async (...args: readonly string[]): Promise<string> => {
      const identity = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'test', GIT_AUTHOR_EMAIL: 'test@localhost' };
      const committer = { GIT_COMMITTER_NAME: 'test', GIT_COMMITTER_EMAIL: 'test@localhost' };
      const env = { PATH: process.env.PATH, ...identity, ...committer };
      return (await run('git', ['-C', directory, ...args], { env, timeout: TIMEOUT_MS })).stdout.trim();
    };
    const commit = async (name: string): Promise<void> => {
      await git('-C', 'origin', 'commit', '--quiet', '--allow-empty', '--message', name);
      commits[name] = await git('-C', 'origin', 'rev-parse', 'HEAD');
    };
    await git('init', '--quiet', '--initial-branch', 'main', 'origin');
    for (const name of ['untested', 'old', 'tip']) await commit(name);
    await git('-C', 'origin', 'tag', 'v1', String(commits.old));
    await git('-C', 'origin', 'checkout', '--quiet', '-b', 'feature');
    await commit('unmerged');
    await git('-C', 'origin', 'tag', 'unmerged');
    await git('-C', 'origin', 'checkout', '--quiet', 'main');
    await git('clone', '--quiet', 'origin', 'clone');
    // GitHub's own client, which asks for the runs of ci.yml that a push to main has started and that have passed.
    const client = [
      '#!/bin/sh',
      'case "$*" in *"repos/owner/name/actions/workflows/ci.yml/runs"*status=success*) ;; *) exit 2 ;; esac',
      `case "$*" in *${commits.untested}*) echo 0 ;; *) echo 1 ;; esac`,
    ];
    await writeFile(join(directory, 'gh'), client.join('\n'), { mode: 0o755 });
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** @returns the name of the commit that was chosen, or what was said instead */
  async function choose(env: Readonly<Record<string, string>>): Promise<string> {
    const output = join(directory, 'output');
    await writeFile(output, '');
    const { code, stdout } = await runStep(join(ROOT, '.github/scripts/choose-commit'), join(directory, 'clone'), {
      PATH: `${directory}:${process.env.PATH}`,
      GITHUB_OUTPUT: output,
      GITHUB_REPOSITORY: 'owner/name',
      ...env,
    });
    const written = await readFile(output, 'utf8');
    const [name] = Object.entries(commits).find(([, id]) => written === `commit=${id}\n`) ?? [];
    expect(written === '' || name !== undefined, written).toBe(true);
    expect(code === 0 || name === undefined, 'what fails chooses nothing').toBe(true);
    return name ?? stdout.trim();
  }

  const afterCi = (commit: string) => choose({ GITHUB_EVENT_NAME: 'workflow_run', PASSED_COMMIT: commit });
  const byHand = (REF: string) => choose({ GITHUB_EVENT_NAME: 'workflow_dispatch', ACTION: 'deploy', REF });

  test('is, after CI, the tip of main', async () => {
    expect(await afterCi(String(commits.tip))).toBe('tip');
  });

  test('is none when CI was run again on an old commit, so that nothing goes back by itself', async () => {
    expect(await afterCi(String(commits.old))).toMatch(/^::notice::main has moved on/);
  });

  test('is, by hand, that of a branch, a tag or a short commit on main', async () => {
    expect(await byHand('main')).toBe('tip');
    expect(await byHand('v1')).toBe('old');
    expect(await byHand(String(commits.old).slice(0, 10))).toBe('old');
  });

  test('is never one that was not merged', async () => {
    for (const ref of ['feature', 'unmerged', String(commits.unmerged)]) {
      expect(await byHand(ref)).toMatch(/^::error::ref: .* is not on main/);
    }
  });

  test('is never one that CI has not passed', async () => {
    expect(await byHand(String(commits.untested))).toMatch(/^::error::ref: CI has not passed/);
  });

  test.each(['', '--all', 'main..main', 'main^', '@{-1}', 'a b', '$(id)', 'main\n::add-mask::x', 'no-such-branch'])(
    'is none for %j',
    async (ref) => {
      expect(await byHand(ref)).toMatch(/^::error::ref: (name a branch|there is no branch)/);
    },
  );

  test('is main for a rollback, which takes its scripts from there', async () => {
    expect(await choose({ GITHUB_EVENT_NAME: 'workflow_dispatch', ACTION: 'rollback', REF: 'feature' })).toBe('tip');
  });
});

describe('secrets that are missing', () => {
  const SECRETS = ['EC2_HOST', 'EC2_USER', 'EC2_PRIVATE_KEY', 'EC2_HOST_KEY'];
  const SETTINGS = ['TOSS_PUBLIC_CRT_B64', 'TOSS_PRIVATE_KEY_B64', 'PROXY_API_KEYS'];

  /** @returns the names that the step complains of */
  async function complaints(action: string, missing: readonly string[]): Promise<readonly string[]> {
    const deploy = parseWorkflow(await readFile(join(ROOT, '.github/workflows/deploy.yml'), 'utf8'));
    const step = stepsOf(deploy).find((one) => nameOf(one) === 'Name what is missing');
    const states = [...SECRETS, ...SETTINGS].map((name) => [name, String(!missing.includes(name))]);
    const { code, stdout } = await runStep(step?.run ?? '', ROOT, { ACTION: action, ...Object.fromEntries(states) });
    const names = [...stdout.matchAll(/^::error::.* secret (\w+)\./gm)].map(([, name = '']) => name);
    expect(code).toBe(names.length === 0 ? 0 : 1);
    return names;
  }

  test('are all named at once, before anything is done', async () => {
    expect(await complaints('deploy', [])).toEqual([]);
    expect(await complaints('', ['EC2_HOST_KEY', 'PROXY_API_KEYS'])).toEqual(['EC2_HOST_KEY', 'PROXY_API_KEYS']);
    expect(await complaints('deploy', [...SECRETS, ...SETTINGS])).toEqual([...SECRETS, ...SETTINGS]);
  });

  test('are for a rollback only those of the connection', async () => {
    expect(await complaints('rollback', [...SECRETS, ...SETTINGS])).toEqual(SECRETS);
  });
});
