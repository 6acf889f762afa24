/** The service cannot start, or cannot reload, with these settings. It lists every problem, not the first one only. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** One line each: the variable's name (or `.env`), a colon, what is wrong and what to do. Never a value. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Takes two independent steps, and tells the problems of both at once.
 *
 * @throws ConfigError with the problems of every step that threw one; any other error as it is
 */
export async function withAllProblems<A, B>(
  first: () => A | Promise<A>,
  second: () => B | Promise<B>,
): Promise<readonly [A, B]> {
  const [a, b] = await Promise.allSettled([(async () => first())(), (async () => second())()]);
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  const errors: readonly unknown[] = [a, b].flatMap((step) => (step.status === 'rejected' ? [step.reason] : []));
  throw new ConfigError(
    errors.flatMap((error) => {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }),
  );
}
