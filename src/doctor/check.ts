import { ConfigError } from '../config/config-error.ts';

/** `warning`: it works, but somebody should know. `skipped`: not looked at, since something before it has failed. */
type CheckState = 'ok' | 'warning' | 'failed' | 'skipped';

/** One line of the doctor's report. */
export interface Check {
  readonly check: string;
  readonly state: CheckState;
  /** What was found; for a failure the reason in plain words, and the remedy. Never a secret. */
  readonly message: string;
}

/** The checks of one thing, such as a host. */
export interface Section {
  readonly name: string;
  readonly checks: readonly Check[];
}

export function passed(check: string, message: string): Check {
  return { check, state: 'ok', message };
}

export function warned(check: string, message: string): Check {
  return { check, state: 'warning', message };
}

export function failed(check: string, message: string): Check {
  return { check, state: 'failed', message };
}

export function skipped(check: string, message: string): Check {
  return { check, state: 'skipped', message };
}

/**
 * The problems that a step of the start has met.
 *
 * @throws whatever is not a ConfigError, as it is
 */
export function problemsOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  throw error;
}
