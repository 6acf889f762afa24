import { parse } from 'yaml';
import { z } from 'zod';

/** The part of a workflow's grammar that this project uses; a key that is not in it is a mistake, or is to be thought about. */

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const values = z.record(z.string(), scalar);
const permissions = z.union([z.string(), z.record(z.string(), z.string())]);
const concurrency = z.strictObject({
  group: z.string(),
  'cancel-in-progress': scalar.optional(),
  queue: z.enum(['single', 'max']).optional(),
});
const defaults = z.strictObject({ run: z.strictObject({ shell: z.string() }) });

const step = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  if: z.string().optional(),
  uses: z.string().optional(),
  with: values.optional(),
  run: z.string().optional(),
  env: values.optional(),
});

const job = z.strictObject({
  name: z.string().optional(),
  needs: z.union([z.string(), z.array(z.string())]).optional(),
  if: z.string().optional(),
  'runs-on': z.string(),
  container: z.string().optional(),
  'timeout-minutes': z.number().optional(),
  environment: z.union([z.string(), z.strictObject({ name: z.string(), url: z.string().optional() })]).optional(),
  concurrency: concurrency.optional(),
  permissions: permissions.optional(),
  outputs: z.record(z.string(), z.string()).optional(),
  strategy: z
    .strictObject({
      'fail-fast': z.boolean().optional(),
      'max-parallel': z.number().optional(),
      matrix: z.record(z.string(), z.array(scalar)),
    })
    .optional(),
  env: values.optional(),
  steps: z.array(step),
});

/** An event that is not named here is for a rule to judge. */
const triggers = z.looseObject({
  workflow_run: z
    .strictObject({ workflows: z.array(z.string()), types: z.array(z.string()), branches: z.array(z.string()) })
    .optional(),
  workflow_dispatch: z.strictObject({ inputs: z.record(z.string(), z.unknown()) }).optional(),
});

const workflow = z.strictObject({
  name: z.string(),
  on: triggers,
  permissions: permissions.optional(),
  concurrency: concurrency.optional(),
  defaults: defaults.optional(),
  env: values.optional(),
  jobs: z.record(z.string(), job),
});

export type Step = z.infer<typeof step>;
export type Job = z.infer<typeof job>;

/** A workflow of GitHub Actions, with the text that it was read from: comments count, too. */
export type Workflow = z.infer<typeof workflow> & { readonly text: string };

/**
 * Reads a workflow.
 *
 * @throws ZodError when it has a key that the grammar above does not, or a value of another type
 */
export function parseWorkflow(text: string): Workflow {
  return { ...workflow.parse(parse(text)), text };
}

/** The steps of all jobs. */
export function stepsOf({ jobs }: Workflow): readonly Step[] {
  return Object.values(jobs).flatMap(({ steps }) => steps);
}

/** How a message calls a step. */
export function nameOf({ name, id, uses, run }: Step): string {
  return name ?? id ?? uses ?? run ?? 'a step';
}
