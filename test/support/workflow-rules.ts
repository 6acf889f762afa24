import { type Job, nameOf, type Step, stepsOf, type Workflow } from './workflow.ts';
import { brokenReferences } from './workflow-references.ts';

/** What a workflow must obey, in the manner of actionlint and zizmor. Each rule tells what breaks it, one line each. */
type Rule = (workflow: Workflow) => readonly string[];

const TRIGGERS = ['push', 'pull_request', 'workflow_run', 'workflow_dispatch'];
const PINNED = /^[\w.-]+(\/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
const SECRET = /\$\{\{ secrets\.(\w+) \}\}/;
const WHETHER_SECRET = /^\$\{\{ secrets\.\w+ != '' \}\}$/;

/** Without these, a pull request's CI run, or a fork's branch `main`, would start what is after it. */
const AFTER_ANOTHER = [
  "github.ref == 'refs/heads/main'",
  "github.event.workflow_run.conclusion == 'success'",
  "github.event.workflow_run.event == 'push'",
  "github.event.workflow_run.head_branch == 'main'",
  'github.event.workflow_run.head_repository.full_name == github.repository',
];

export const RULES = {
  'starts on events that bring no strangers near': ({ on }) =>
    Object.keys(on).filter((trigger) => !TRIGGERS.includes(trigger)),

  'looks at how and where the workflow before it ran': (workflow) => {
    if (workflow.on.workflow_run === undefined) return [];
    return jobsOf(workflow).flatMap(([name, { needs, if: condition = '' }]) => {
      if (/\b(always|failure|cancelled)\(\)/.test(condition)) return [`${name} runs after a failure`];
      return needs === undefined
        ? AFTER_ANOTHER.filter((clause) => !condition.includes(clause)).map((clause) => `${name} lacks ${clause}`)
        : [];
    });
  },

  'pins every action by its commit, with the version beside it': ({ text }) =>
    [...text.matchAll(/\buses:\s*(.*)$/gm)].map(([, action = '']) => action).filter((action) => !PINNED.test(action)),

  'puts no expression into a script': (workflow) =>
    namesOf(stepsOf(workflow), ({ run = '', with: inputs }) => `${run}${inputs?.script ?? ''}`.includes('${{')),

  'may read, and nothing else': ({ permissions, jobs }) =>
    [permissions ?? 'none declared', ...Object.values(jobs).map((job) => job.permissions ?? {})].flatMap((granted) =>
      typeof granted === 'string'
        ? [granted]
        : Object.entries(granted).flatMap(([scope, access]) => (access === 'read' ? [] : [`${scope}: ${access}`])),
    ),

  'leaves no token behind after a checkout': (workflow) =>
    namesOf(checkoutsOf(workflow), ({ with: inputs }) => inputs?.['persist-credentials'] !== false),

  'names the commit that it checks out after another workflow': (workflow) =>
    workflow.on.workflow_run === undefined
      ? []
      : namesOf(checkoutsOf(workflow), ({ with: inputs }) => inputs?.ref === undefined),

  'ends every job in time, on a machine of a named release': ({ jobs }) =>
    Object.entries(jobs)
      .filter(([, job]) => job['timeout-minutes'] === undefined || job['runs-on'].endsWith('-latest'))
      .map(([name]) => name),

  'hands secrets to single steps of an environment only': (workflow) => {
    const { jobs, ...outside } = workflow;
    const elsewhere = jobsOf(workflow).flatMap(([name, { steps, ...job }]) => {
      const others = steps.map(({ env: _, ...step }) => step);
      const uses = steps.some(({ env }) => mentionsSecret(env));
      return mentionsSecret([job, others]) || (uses && job.environment === undefined) ? [name] : [];
    });
    return mentionsSecret({ ...outside, text: '' }) ? ['the workflow', ...elsewhere] : elsewhere;
  },

  'hands a secret over under its own name, or tells whether it is there': (workflow) =>
    stepsOf(workflow).flatMap(({ env = {} }) =>
      Object.entries(env)
        .filter(([, value]) => mentionsSecret(value) && !WHETHER_SECRET.test(String(value)))
        .filter(([name, value]) => value !== `\${{ secrets.${name} }}`)
        .map(([name]) => name),
    ),

  'shows secrets to the scripts of a deploy only': (workflow) =>
    namesOf(stepsOf(workflow), (step) => {
      const parts = (step.run ?? '').split(/\||&&|;|\n/).map((part) => part.trim().replace(/^(\w+=\S+ )+/, ''));
      return secretsOf(step).length > 0 && !parts.every((part) => part.startsWith('scripts/deploy/'));
    }),

  /** A run that is skipped would take a place if the workflow had the limit. */
  'deploys one at a time, each to its end': (workflow) =>
    jobsOf(workflow)
      .filter(([, { environment }]) => environment !== undefined)
      .filter(([, { concurrency }]) => concurrency?.['cancel-in-progress'] !== false || workflow.concurrency)
      .map(([name]) => name),

  'deploys nothing that another workflow has put into a cache': (workflow) =>
    jobsOf(workflow)
      .filter(([, { environment }]) => environment !== undefined)
      .flatMap(([, { steps }]) =>
        namesOf(steps, ({ uses = '', with: inputs = {} }) => {
          const isSetup = uses.startsWith('actions/setup-node@');
          return (
            /\/cache[/@]/.test(uses) || 'cache' in inputs || (isSetup && inputs['package-manager-cache'] !== false)
          );
        }),
      ),

  'fails when a part of a pipeline fails': (workflow) =>
    workflow.defaults?.run.shell === 'bash' ? [] : namesOf(stepsOf(workflow), ({ run = '' }) => /[^|]\|[^|]/.test(run)),

  'speaks only of what there is': brokenReferences,
} as const satisfies Record<string, Rule>;

/** The rules that a workflow breaks, each with what breaks it. */
export function rulesBrokenBy(workflow: Workflow): Readonly<Record<string, readonly string[]>> {
  const broken = Object.entries<Rule>(RULES).map(([name, rule]) => [name, rule(workflow)] as const);
  return Object.fromEntries(broken.filter(([, problems]) => problems.length > 0));
}

/** The secrets whose values a step sees. */
export function secretsOf({ env = {} }: Step): readonly string[] {
  return Object.values(env).flatMap((value) => SECRET.exec(String(value))?.[1] ?? []);
}

function jobsOf({ jobs }: Workflow): readonly (readonly [string, Job])[] {
  return Object.entries(jobs);
}

function checkoutsOf(workflow: Workflow): readonly Step[] {
  return stepsOf(workflow).filter(({ uses }) => uses?.startsWith('actions/checkout@'));
}

function namesOf(steps: readonly Step[], breaks: (step: Step) => boolean): readonly string[] {
  return steps.filter(breaks).map(nameOf);
}

/** Also as `secrets['X']`, `toJSON(secrets)` and `secrets: inherit`. */
function mentionsSecret(part: unknown): boolean {
  return /\bsecrets\b/.test(JSON.stringify(part) ?? '');
}
