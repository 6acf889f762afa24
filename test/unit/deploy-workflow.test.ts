import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../../src/config/settings.ts';
import { nameOf, parseWorkflow, stepsOf } from '../support/workflow.ts';
import { secretsOf } from '../support/workflow-rules.ts';

/** When .github/workflows/deploy.yml deploys, and what it hands to whom. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const deploy = parseWorkflow(readFileSync(join(ROOT, '.github/workflows/deploy.yml'), 'utf8'));

const CONNECTION = ['EC2_HOST', 'EC2_USER', 'EC2_PRIVATE_KEY', 'EC2_HOST_KEY'];
const REQUIRED = ['TOSS_PUBLIC_CRT_B64', 'TOSS_PRIVATE_KEY_B64', 'PROXY_API_KEYS'];
/** Without which it deploys as well. */
const OPTIONAL = ['TOSS_PRIVATE_KEY_PASSPHRASE', 'REDIS_URL'];

test('the deploy shows each secret to exactly the steps that need it', () => {
  const seen = stepsOf(deploy).map((step) => [nameOf(step), [...secretsOf(step)].sort()] as const);

  expect(deploy.jobs.production?.environment).toMatchObject({ name: 'production' });
  expect(Object.fromEntries(seen.filter(([, secrets]) => secrets.length > 0))).toEqual({
    Deploy: [...CONNECTION, ...REQUIRED, ...OPTIONAL].sort(),
    'Roll back': [...CONNECTION].sort(),
  });
});

test('the deploy hands its scripts nothing that they do not read', () => {
  const scripts = readdirSync(join(ROOT, 'scripts/deploy'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))
    .join('\n');
  const names = stepsOf(deploy)
    .filter(({ run = '' }) => run.includes('scripts/deploy/'))
    .flatMap(({ env = {} }) => Object.keys(env))
    // Handed over as an argument.
    .filter((name) => name !== 'VERSION');

  expect(names).toContain('EC2_HOST_KEY');
  expect(names.filter((name) => !(name in SETTINGS.shape) && !scripts.includes(name))).toEqual([]);
});

describe('a deploy is begun', () => {
  const push = {
    conclusion: 'success',
    event: 'push',
    head_branch: 'main',
    head_repository: { full_name: 'owner/name' },
  };

  /** GitHub's expressions are JavaScript as far as this condition goes. */
  const begins = (name: string, run?: object, ref = 'refs/heads/main'): boolean =>
    runInNewContext(deploy.jobs.choose?.if ?? 'undefined', {
      github: { ref, event_name: name, repository: 'owner/name', event: { workflow_run: run } },
    });

  test('when CI has passed on a push to main', () => {
    expect(begins('workflow_run', push)).toBe(true);
  });

  test.each([
    ['that failed', { conclusion: 'failure' }],
    ['that was cancelled', { conclusion: 'cancelled' }],
    ['of a pull request', { event: 'pull_request' }],
    ['of another branch', { head_branch: 'feature' }],
    ["of a fork's branch main", { event: 'pull_request', head_repository: { full_name: 'stranger/name' } }],
    ['of a push to a fork', { head_repository: { full_name: 'stranger/name' } }],
  ])('not after a CI run %s', (_what, change) => {
    expect(begins('workflow_run', { ...push, ...change })).toBe(false);
  });

  test('by hand, with the workflow of main and of no other branch', () => {
    expect(begins('workflow_dispatch')).toBe(true);
    expect(begins('workflow_dispatch', undefined, 'refs/heads/feature')).toBe(false);
  });
});
