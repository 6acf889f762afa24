/** The lines of an error's stack that name a place in the code. */
const FRAME = /^\s+at /;

/**
 * What a log may know of an unexpected error: its name, its code and where it was thrown. Never its text, which may
 * quote a request, a header or a key.
 */
export function describeError(thrown: unknown): { error: string; errorCode?: string; at?: string[] } {
  if (!(thrown instanceof Error)) return { error: typeof thrown };
  const { name, message, stack = '' } = thrown;
  // The stack begins with the text, which may itself have lines that look like places in the code.
  const places = stack.slice(stack.indexOf(message) + message.length);
  const at = places.split('\n').filter((line) => FRAME.test(line));
  return 'code' in thrown && typeof thrown.code === 'string'
    ? { error: name, errorCode: thrown.code, at }
    : { error: name, at };
}
