import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { parseWorkflow, stepsOf, type Workflow } from '../support/workflow.ts';
import { RULES, rulesBrokenBy } from '../support/workflow-rules.ts';

/** The rules of test/support/workflow-rules.ts, held against .github/workflows. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = `${ROOT}.github/workflows/`;

function read(file: string): Workflow {
  return parseWorkflow(readFileSync(FOLDER + file, 'utf8'));
}

const files = readdirSync(FOLDER);
const all = files.map(read);
const deploy = read('deploy.yml');

describe('a workflow', () => {
  test.each(files)('%s obeys every rule', (file) => {
    expect(rulesBrokenBy(read(file))).toEqual({});
  });

  test('uses one commit of an action everywhere', () => {
    const uses = new Set(all.flatMap(stepsOf).flatMap(({ uses: action }) => action ?? []));
    expect(uses.size).toBe(new Set([...uses].map((action) => action.split('@')[0])).size);
  });

  test('calls scripts that are there', () => {
    const scripts = all
      .flatMap(stepsOf)
      .flatMap(({ run = '' }) => run.match(/(?<!\S)(scripts|\.github|\.ci)\/[\w/-]+/g) ?? []);

    expect(scripts).toEqual(expect.arrayContaining(['.ci/run', 'scripts/deploy/deploy', 'scripts/deploy/rollback']));
    // `.ci/run` is handed to bash.
    for (const script of scripts.filter((path) => path !== '.ci/run')) accessSync(ROOT + script, constants.X_OK);
  });

  test('runs npm scripts that are there', () => {
    const scripts = all.flatMap(stepsOf).flatMap(({ run = '' }) => [...run.matchAll(/npm run ([\w:-]+)/g)]);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(scripts.map(([, script]) => script)));
  });

  test('waits for one that is there', () => {
    expect(deploy.on.workflow_run?.workflows).toEqual([read('ci.yml').name]);
  });
});

/** Mistakes that somebody could make in deploy.yml: the rule that refuses it, what stood there, and what stands there now. */
const MISTAKES: readonly (readonly [rule: keyof typeof RULES, before: string, after: string])[] = [
  [
    'starts on events that bring no strangers near',
    '\n  workflow_dispatch:',
    '\n  issue_comment:\n  workflow_dispatch:',
  ],
  ['starts on events that bring no strangers near', '\n  workflow_run:', '\n  pull_request_target:\n  workflow_run:'],
  ['looks at how and where the workflow before it ran', "github.event.workflow_run.event == 'push' &&", ''],
  ['looks at how and where the workflow before it ran', "conclusion == 'success'", "conclusion != 'failure'"],
  ['looks at how and where the workflow before it ran', 'if: needs.choose', 'if: always() && needs.choose'],
  ['pins every action by its commit, with the version beside it', '820762786026740c76f36085b0efc47a31fe5020', 'v7'],
  ['pins every action by its commit, with the version beside it', ' # v7.0.0', ''],
  ['puts no expression into a script', 'npm ci --ignore-scripts', `npm ci \${{ inputs.version }}`],
  ['may read, and nothing else', 'permissions: {}\n', ''],
  ['may read, and nothing else', 'permissions: {}', 'permissions: write-all'],
  ['may read, and nothing else', 'actions: read', 'actions: write'],
  ['leaves no token behind after a checkout', 'persist-credentials: false', 'persist-credentials: true'],
  ['leaves no token behind after a checkout', '\n          persist-credentials: false', ''],
  ['names the commit that it checks out after another workflow', 'ref: $', 'clean: true #'],
  ['ends every job in time, on a machine of a named release', '\n    timeout-minutes: 30', ''],
  ['ends every job in time, on a machine of a named release', 'ubuntu-24.04', 'ubuntu-latest'],
  [
    'hands secrets to single steps of an environment only',
    'permissions: {}',
    `permissions: {}\nenv:\n  ALL: \${{ toJSON(secrets) }}`,
  ],
  ['hands secrets to single steps of an environment only', 'github.token }}', 'secrets.GH_TOKEN }}'],
  ['hands secrets to single steps of an environment only', 'node-version: "24"', `token: \${{ secrets.NPM_TOKEN }}`],
  [
    'hands a secret over under its own name, or tells whether it is there',
    'secrets.EC2_USER }}',
    'secrets.EC2_HOST }}',
  ],
  [
    'hands a secret over under its own name, or tells whether it is there',
    "secrets.EC2_USER != ''",
    "secrets.EC2_USER || 'no'",
  ],
  ['shows secrets to the scripts of a deploy only', 'run: scripts/deploy/env-file |', 'run: npm run env-file |'],
  ['deploys one at a time, each to its end', 'cancel-in-progress: false', 'cancel-in-progress: true'],
  [
    'deploys one at a time, each to its end',
    '\npermissions: {}',
    '\nconcurrency:\n  group: production\npermissions: {}',
  ],
  ['deploys nothing that another workflow has put into a cache', 'package-manager-cache: false', 'cache: npm'],
  ['deploys nothing that another workflow has put into a cache', '\n          package-manager-cache: false', ''],
  ['fails when a part of a pipeline fails', 'shell: bash', 'shell: sh'],
  [
    'speaks only of what there is',
    'choose.outputs.commit }}\n          persist',
    'choose.outputs.sha }}\n          persist',
  ],
  ['speaks only of what there is', '\n    needs: choose', '\n    needs: chosen'],
  ['speaks only of what there is', 'inputs.version }}', 'inputs.release }}'],
  ['speaks only of what there is', 'steps.choose.outputs', 'steps.chosen.outputs'],
];

describe('a workflow that', () => {
  test.each(MISTAKES)('no longer %s is refused: %j', (rule, before, after) => {
    expect(deploy.text).toContain(before);
    expect(Object.keys(rulesBrokenBy(parseWorkflow(deploy.text.replace(before, () => after))))).toContain(rule);
  });

  test('has a key that GitHub does not know is refused', () => {
    expect(() => parseWorkflow(deploy.text.replace('timeout-minutes', 'timeout-minuts'))).toThrow('timeout-minuts');
  });

  test('breaks a rule is among these, for every rule', () => {
    expect(new Set(MISTAKES.map(([rule]) => rule))).toEqual(new Set(Object.keys(RULES)));
  });
});
