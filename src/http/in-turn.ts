import type { Handler } from './call.ts';

/**
 * One handler made of several, for a route that is worth it: Express would look each of them up anew, with closures of its
 * own, which is more than half of what Express costs. What a handler throws or rejects with goes to `next`, as it does there.
 */
export function inTurn(...handlers: readonly Handler[]): Handler {
  return (request, response, next) => {
    let at = 0;
    const pass = (error?: unknown): void => {
      const handler = handlers[at];
      at += 1;
      if (error !== undefined || handler === undefined) {
        next(error);
        return;
      }
      try {
        const handled = handler(request, response, pass);
        if (handled instanceof Promise) handled.catch(next);
      } catch (thrown) {
        next(thrown);
      }
    };
    pass();
  };
}
