import { expect } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import type { Environment } from '../../src/config/environment.ts';

/**
 * The problems with which a step fails. That none of them repeats a value of the environment is checked each time.
 *
 * @param env what the step was given
 * @param step throws a ConfigError, or rejects with one
 */
export async function problemsOf(env: Environment, step: () => unknown): Promise<readonly string[]> {
  const error = await Promise.resolve()
    .then(step)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  if (!(error instanceof ConfigError)) throw error ?? new Error('this was accepted');
  for (const [variable, value = ''] of Object.entries(env)) {
    for (const piece of tellingPieces(value)) {
      expect(error.message, `a value of ${variable} stands in a problem`).not.toContain(piece);
    }
  }
  for (const problem of error.problems) expect(problem).toMatch(/^[A-Z0-9_]+: [^\n]+\.$/);
  return error.problems;
}

/** What would give a value away: its words, less a URL's scheme and a PEM's labels, which stand in remedies. */
function tellingPieces(value: string): readonly string[] {
  const bare = value.replace(/^\w+:\/\//, '').replaceAll(/-----(BEGIN|END) [^-]*-----/g, ' ');
  return bare.split(/[\s,:@/]|\\n/).filter(({ length }) => length > 4);
}
