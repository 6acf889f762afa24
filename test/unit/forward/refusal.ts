import { ProxyError } from '../../../src/errors.ts';

/** The ProxyError that `run` throws; anything else that happens fails the test. */
export function refusalOf(run: () => unknown): ProxyError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProxyError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
