import type { Job, Workflow } from './workflow.ts';

/** What GitHub itself knows. */
const CONTEXTS = ['github', 'vars', 'secrets', 'env', 'job', 'runner', 'needs', 'steps', 'inputs', 'matrix'];

/** What expressions speak of and what is not there: GitHub takes each of these for an empty text, and says nothing. */
export function brokenReferences(workflow: Workflow): readonly string[] {
  return Object.entries(workflow.jobs).flatMap(([name, job]) => {
    const needs = [job.needs ?? []].flat();
    const unknown = needs.filter((other) => workflow.jobs[other] === undefined).map((other) => `needs ${other}`);
    const broken = expressionsOf(job)
      .flatMap((expression) => [...expression.matchAll(/(?<![\w.'/-])([a-z]+)((?:\.[\w-]+)+)/g)])
      .filter(([, context = '', path = '']) => !isThere(workflow, job, context, path.slice(1).split('.')))
      .map(([reference]) => reference);
    return [...unknown, ...broken].map((problem) => `${name}: ${problem}`);
  });
}

function isThere(workflow: Workflow, job: Job, context: string, [first = '', second, third = '']: string[]): boolean {
  switch (context) {
    case 'inputs':
      return first in (workflow.on.workflow_dispatch?.inputs ?? {});
    case 'matrix':
      return job.strategy?.matrix[first] !== undefined;
    case 'needs':
      return (
        [job.needs ?? []].flat().includes(first) &&
        (second === 'result' || (second === 'outputs' && workflow.jobs[first]?.outputs?.[third] !== undefined))
      );
    case 'steps':
      return job.steps.some(({ id }) => id === first);
    default:
      return CONTEXTS.includes(context);
  }
}

/** An `if` is an expression as it stands; everything else has them in braces. */
function expressionsOf(job: Job): readonly string[] {
  const conditions = [job, ...job.steps].flatMap((part) => part.if ?? []);
  const inBraces = [...JSON.stringify(job).matchAll(/\$\{\{(.*?)\}\}/g)].map(([, expression = '']) => expression);
  return [...conditions, ...inBraces];
}
